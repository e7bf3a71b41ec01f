"""The table of rights: one row an act. Who is not named in a row may not.

Changing a row changes who can do what in every trial that runs on the next release: `tests/trial/test_rights.py` holds a second,
independent table, and `docs/reference/rights.md` prints this one and says what the papers named in `why` are.
"""

from collections.abc import Mapping

from oligami.protocol.text import Text
from oligami.trial.rights.acts import Act
from oligami.trial.rights.roles import ROLES, SITE_ROLES


def _who(*roles: str) -> frozenset[str]:
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
    return frozenset(roles)


_EVERYONE = frozenset(ROLES)
_INVESTIGATOR = _who("investigator")
_COMMITTEE_STATISTICIAN = _who("committee_statistician")
_CENTRE = _who("data_manager")
_ADMINISTRATOR = _who("administrator")
_LEADERS = _who("principal_investigator", "study_chair")
#: Who reads casebooks without writing in them.
_READERS = _who("data_manager", "monitor", "radiation_reviewer", "inspector")
#: Who asks the sites.
_ASKERS = _who("data_manager", "monitor", "radiation_reviewer")
#: Who may see results by arm once they are released, and not before.
_AFTER_RELEASE = _who("trial_statistician", "safety_committee", "principal_investigator", "study_chair", "inspector")
#: Who may not know what lies behind an allocation, whatever else he is: those who register, and those who give rights.
_NEVER_BY_ARM = SITE_ROLES | _ADMINISTRATOR

_SEE = (
    Act(
        id="see_protocol",
        title=Text("Reading the protocol", "実施計画書の閲覧"),
        kind="see",
        scope="site",
        roles=_EVERYONE,
        why=Text("the rules everybody works by; the rule of allocation has its own row", "全員が従う規則（割付規則は別行）"),
    ),
    Act(
        id="see_sites",
        title=Text("Seeing the sites", "施設一覧の閲覧"),
        kind="see",
        scope="site",
        roles=_EVERYONE,
        why=Text("sites stand in the public record as well", "施設は公開登録情報にも記載"),
    ),
    Act(
        id="see_accrual",
        title=Text("Seeing accrual", "登録状況の閲覧"),
        kind="see",
        scope="site",
        roles=_EVERYONE - _ADMINISTRATOR - _who("radiation_reviewer"),
        why=Text(
            "counts without arms; a site sees its own (practice C.2)", "群別でない登録数。施設は自施設分のみ（practice C.2）"
        ),
    ),
    Act(
        id="see_worklist",
        title=Text("Seeing the worklist", "作業一覧の閲覧"),
        kind="see",
        scope="site",
        roles=SITE_ROLES | _READERS,
        why=Text("what is due, at one's own site or at those one looks after", "自施設・担当施設で期限の来る作業"),
    ),
    Act(
        id="see_subject",
        title=Text("Seeing a subject", "症例の閲覧"),
        kind="see",
        scope="site",
        roles=SITE_ROLES | _READERS,
        why=Text("nothing of another site's subjects (practice C.2)", "他施設の症例は閲覧不可（practice C.2）"),
    ),
    Act(
        id="see_form",
        title=Text("Seeing a form", "調査票の閲覧"),
        kind="see",
        scope="site",
        roles=SITE_ROLES | _READERS,
        why=Text(
            "forms tell the treatment, so those who lead the trial or grant rights are left out (practice C.3, I.2)",
            "調査票から治療が分かるため、試験を率いる者と権限を付与する者は除く（practice C.3, I.2）",
        ),
    ),
    Act(
        id="see_history",
        title=Text("Seeing the history of an item", "変更履歴の閲覧"),
        kind="see",
        scope="site",
        roles=SITE_ROLES | _READERS,
        why=Text("where the form is seen, its history is (practice A.4)", "調査票を閲覧できる者は履歴も閲覧可（practice A.4）"),
    ),
    Act(
        id="see_identity",
        title=Text("Seeing who a subject is", "症例の識別情報の閲覧"),
        kind="see",
        scope="site",
        roles=SITE_ROLES,
        why=Text("names stay with the site that treats (practice H.1)", "個人を特定する情報は診療施設に限る（practice H.1）"),
    ),
    Act(
        id="see_own_arm",
        title=Text("Seeing the arm of a subject", "症例の割付群の閲覧"),
        kind="see",
        scope="site",
        roles=SITE_ROLES | _READERS | _COMMITTEE_STATISTICIAN,
        why=Text(
            "open label: of one subject at a time, never in a list or a count; the data centre tells it on the telephone",
            "非盲検。1 症例ずつに限り、一覧や集計には出さない。電話登録ではデータセンターが伝える",
        ),
    ),
    Act(
        id="see_arm_totals",
        title=Text("Seeing totals by arm", "群別集計の閲覧"),
        kind="see",
        scope="trial",
        roles=_COMMITTEE_STATISTICIAN,
        opens="released",
        then=_AFTER_RELEASE,
        withheld=_NEVER_BY_ARM,
        why=Text("closed until the committee releases them (practice I.2)", "委員会が公開を決めるまで閉じる（practice I.2）"),
    ),
    Act(
        id="see_outcome_by_arm",
        title=Text("Seeing outcome by arm", "群別結果の閲覧"),
        kind="see",
        scope="trial",
        roles=_COMMITTEE_STATISTICIAN,
        opens="released",
        then=_AFTER_RELEASE,
        withheld=_NEVER_BY_ARM,
        why=Text("closed until the committee releases it (practice I.2)", "委員会が公開を決めるまで閉じる（practice I.2）"),
    ),
    Act(
        id="see_allocation_rule",
        title=Text("Seeing the rule of allocation", "割付規則の閲覧"),
        kind="see",
        scope="site",
        roles=_who("data_manager", "trial_statistician", "committee_statistician", "inspector"),
        opens="allocation_shown",
        then=_EVERYONE,
        why=Text(
            "method, factors and p are not told to sites unless the protocol says so (randomization 3.5)",
            "方法・因子・p は計画書が認めない限り施設に知らせない（randomization 3.5）",
        ),
    ),
    Act(
        id="see_allocation_detail",
        title=Text("Seeing tally and draw of an allocation", "割付の集計と乱数の閲覧"),
        kind="see",
        scope="trial",
        roles=_who("committee_statistician", "inspector"),
        withheld=_NEVER_BY_ARM,
        why=Text(
            "whoever knows them can guess the next arm (randomization 3.5)", "知れば次の群を推測できる（randomization 3.5）"
        ),
    ),
    Act(
        id="see_queries",
        title=Text("Seeing data queries", "問合せの閲覧"),
        kind="see",
        scope="site",
        roles=SITE_ROLES | _READERS,
        why=Text("those who ask, those who answer, those who inspect", "問合せる者・答える者・査察する者"),
    ),
    Act(
        id="see_safety",
        title=Text("Seeing expedited reports", "緊急報告の閲覧"),
        kind="see",
        scope="site",
        roles=SITE_ROLES | _LEADERS | _who("data_manager", "monitor", "committee_statistician", "safety_committee", "inspector"),
        why=Text(
            "all arms together; the leaders report on in time (practice J.1)",
            "全群まとめて。代表者は期限内に報告（practice J.1）",
        ),
    ),
    Act(
        id="see_overview",
        title=Text("Seeing the data centre's lists", "データセンターの一覧の閲覧"),
        kind="see",
        scope="site",
        roles=_LEADERS | _who("data_manager", "monitor", "trial_statistician", "inspector"),
        why=Text("what is late or unsigned, by site, without arms", "施設別の遅延・未署名など。群別なし"),
    ),
    Act(
        id="see_people",
        title=Text("Seeing who holds which role", "担当者と役割の閲覧"),
        kind="see",
        scope="site",
        roles=_INVESTIGATOR | _LEADERS | _who("data_manager", "monitor", "administrator", "inspector"),
        why=Text("delegation can be checked for any day (practice C.7)", "任意の日の権限を確認できる（practice C.7）"),
    ),
    Act(
        id="see_access_log",
        title=Text("Seeing the access log", "アクセス記録の閲覧"),
        kind="see",
        scope="trial",
        roles=_who("data_manager", "administrator", "inspector"),
        why=Text("who signed on and who saw what (practice A.8, A.12, H.5)", "誰が入り何を見たか（practice A.8, A.12, H.5）"),
    ),
    Act(
        id="take_data",
        title=Text("Taking data out", "データの持ち出し"),
        kind="see",
        scope="site",
        roles=SITE_ROLES | _who("data_manager", "trial_statistician", "committee_statistician", "inspector"),
        why=Text(
            "a site takes all of its own at any time (practice D.1); arms go out only with the right to see them",
            "施設は自施設分をいつでも全て取得可（practice D.1）。群は閲覧権限がある場合のみ含む",
        ),
    ),
)

_DO_AT_SITES = (
    Act(
        id="register_first",
        title=Text("First registration", "一次登録"),
        kind="do",
        scope="site",
        roles=SITE_ROLES,
        on_behalf=_CENTRE,
        why=Text(
            "by the site, or by telephone to the data centre (practice, D.2)", "施設、または電話でデータセンター（practice D.2）"
        ),
    ),
    Act(
        id="register_next",
        title=Text("Registration at a later stage", "二次以降の登録"),
        kind="do",
        scope="site",
        roles=_INVESTIGATOR,
        on_behalf=_CENTRE,
        why=Text("it is signed, and signing is the investigator's (practice B.5)", "署名を伴うため担当医に限る（practice B.5）"),
    ),
    Act(
        id="submit_form",
        title=Text("Filling a form", "調査票の入力"),
        kind="do",
        scope="site",
        roles=SITE_ROLES,
        why=Text(
            "no one else writes a value into a site's form (practice D.2)", "施設の調査票に値を書けるのは施設のみ（practice D.2）"
        ),
    ),
    Act(
        id="correct_items",
        title=Text("Correcting a form", "調査票の訂正"),
        kind="do",
        scope="site",
        roles=SITE_ROLES,
        why=Text(
            "no one else writes a value into a site's form (practice D.2)", "施設の調査票に値を書けるのは施設のみ（practice D.2）"
        ),
    ),
    Act(
        id="sign_form",
        title=Text("Signing a form", "調査票への署名"),
        kind="do",
        scope="site",
        roles=_INVESTIGATOR,
        why=Text("no signature on another's behalf (practice B.6)", "代理の署名はない（practice B.6）"),
    ),
    Act(
        id="give_consent",
        title=Text("Recording consent", "同意の記録"),
        kind="do",
        scope="site",
        roles=SITE_ROLES,
        why=Text("given at the site", "施設で得られる"),
    ),
    Act(
        id="withdraw_consent",
        title=Text("Recording a withdrawal of consent", "同意撤回の記録"),
        kind="do",
        scope="site",
        roles=SITE_ROLES,
        why=Text("said at the site (practice H.2)", "施設で申し出る（practice H.2）"),
    ),
    Act(
        id="report_safety",
        title=Text("Recording an expedited report", "緊急報告の記録"),
        kind="do",
        scope="site",
        roles=SITE_ROLES | _who("principal_investigator"),
        why=Text(
            "the site reports, the principal investigator passes on (practice J)",
            "施設が報告し、研究代表医師が提出（practice J）",
        ),
    ),
    Act(
        id="answer_query",
        title=Text("Answering a data query", "問合せへの回答"),
        kind="do",
        scope="site",
        roles=SITE_ROLES,
        why=Text("queries are put to the site (practice E.7)", "問合せは施設へのもの（practice E.7）"),
    ),
    Act(
        id="raise_query",
        title=Text("Raising a data query", "問合せの発行"),
        kind="do",
        scope="site",
        roles=_ASKERS,
        why=Text("the data centre can only ask (practice D.2)", "データセンターは問合せのみ可能（practice D.2）"),
    ),
    Act(
        id="close_query",
        title=Text("Closing a data query", "問合せの終了"),
        kind="do",
        scope="site",
        roles=_ASKERS,
        why=Text("only the asker's side closes (practice E.7)", "終了できるのは問合せた側のみ（practice E.7）"),
    ),
    Act(
        id="verify_form",
        title=Text("Verifying a form", "調査票の照合"),
        kind="do",
        scope="site",
        roles=_who("monitor"),
        why=Text("compared with the source at the site", "施設で原資料と照合"),
    ),
    Act(
        id="lock_form",
        title=Text("Locking a form", "調査票の固定"),
        kind="do",
        scope="site",
        roles=_CENTRE,
        why=Text("the data centre's (practice I.3)", "データセンターの作業（practice I.3）"),
    ),
    Act(
        id="unlock_form",
        title=Text("Unlocking a form", "調査票の固定解除"),
        kind="do",
        scope="site",
        roles=_CENTRE,
        why=Text("whoever locks gives the reason for unlocking", "固定した側が理由を付けて解除"),
    ),
    Act(
        id="grade_deviation",
        title=Text("Grading a deviation", "逸脱の区分"),
        kind="do",
        scope="site",
        roles=_CENTRE | _LEADERS,
        why=Text("judged above the sites, in three grades (practice)", "施設の外で 3 区分に判定（practice）"),
    ),
    Act(
        id="annul_registration",
        title=Text("Annulling a registration", "登録の取消"),
        kind="do",
        scope="site",
        roles=_INVESTIGATOR | _CENTRE,
        why=Text("nothing is deleted and no draw is undone (randomization 5)", "削除せず割付も取り消さない（randomization 5）"),
    ),
    Act(
        id="mark_allocation_in_error",
        title=Text("Marking an allocation as made in error", "割付への誤り印の付与"),
        kind="do",
        scope="site",
        roles=_CENTRE,
        why=Text("it changes the tallies, so never the site (randomization 5)", "集計が変わるため施設は不可（randomization 5）"),
    ),
    Act(
        id="open_site",
        title=Text("Opening a site", "施設の開設"),
        kind="do",
        scope="site",
        roles=_CENTRE,
        why=Text("the data centre's", "データセンターの作業"),
    ),
    Act(
        id="close_site",
        title=Text("Closing a site", "施設の終了"),
        kind="do",
        scope="site",
        roles=_CENTRE,
        why=Text("the data centre's; its people go on with their subjects", "データセンターの作業。既登録症例の入力は続く"),
    ),
    Act(
        id="adopt_version",
        title=Text("Adopting a version of the protocol at a site", "施設での計画書版の採用"),
        kind="do",
        scope="site",
        roles=_CENTRE,
        why=Text("from the day the site's approval is on file (practice F.3)", "施設の承認が届いた日から（practice F.3）"),
    ),
    Act(
        id="record_export",
        title=Text("Recording that data were taken out", "持ち出しの記録"),
        kind="do",
        scope="site",
        roles=SITE_ROLES | _who("data_manager", "trial_statistician", "committee_statistician", "inspector"),
        why=Text(
            "whoever takes data leaves this record; an inspector's only entry (practice H.4)",
            "持ち出せば必ず残る記録。査察担当者の唯一の記入（practice H.4）",
        ),
    ),
)

_DO_IN_THE_TRIAL = (
    Act(
        id="activate_protocol",
        title=Text("Activating a version of the protocol", "実施計画書の有効化"),
        kind="do",
        scope="trial",
        roles=_LEADERS,
        why=Text("an amendment is theirs to bring into force (practice F.3)", "改訂の発効は代表者が行う（practice F.3）"),
    ),
    Act(
        id="revise_record",
        title=Text("Revising the public record", "公開登録情報の変更"),
        kind="do",
        scope="trial",
        roles=_LEADERS | _CENTRE,
        why=Text("those who answer to the registry", "登録機関に責任を負う者"),
    ),
    Act(
        id="pause_accrual",
        title=Text("Pausing accrual", "登録の一時停止"),
        kind="do",
        scope="trial",
        roles=_CENTRE,
        why=Text("the data centre's", "データセンターの作業"),
    ),
    Act(
        id="resume_accrual",
        title=Text("Resuming accrual", "登録の再開"),
        kind="do",
        scope="trial",
        roles=_CENTRE,
        why=Text("the data centre's", "データセンターの作業"),
    ),
    Act(
        id="take_cut",
        title=Text("Taking a cut", "データカットの設定"),
        kind="do",
        scope="trial",
        roles=_who("data_manager", "trial_statistician", "committee_statistician"),
        why=Text("for monitoring, the committee and the analysis", "モニタリング・委員会・解析のため"),
    ),
    Act(
        id="decide_monitoring",
        title=Text("Deciding on a cut", "データカットに対する判断の記録"),
        kind="do",
        scope="trial",
        roles=_who("safety_committee"),
        why=Text("the committee's alone; `release` opens results by arm", "委員会のみ。「release」で群別結果が開く"),
    ),
    Act(
        id="commit_secret",
        title=Text("Committing a secret of randomization", "割付用秘密値の登録"),
        kind="do",
        scope="trial",
        roles=_who("data_manager", "trial_statistician"),
        why=Text("the secret is theirs to keep (randomization 3.2)", "秘密値を保管する者（randomization 3.2）"),
    ),
    Act(
        id="open_secret",
        title=Text("Opening a secret of randomization", "割付用秘密値の公開"),
        kind="do",
        scope="trial",
        roles=_COMMITTEE_STATISTICIAN,
        why=Text("it opens the arms, so only who sees them already", "群が開くため、既に閲覧できる者のみ"),
    ),
    Act(
        id="publish_head",
        title=Text("Publishing the journal's head", "ジャーナル先頭の公開"),
        kind="do",
        scope="trial",
        roles=_CENTRE | _ADMINISTRATOR,
        why=Text("a digest, no data (randomization 3.6)", "データではなくダイジェスト（randomization 3.6）"),
    ),
    Act(
        id="redact_body",
        title=Text("Redacting a record", "記録の墨消し"),
        kind="do",
        scope="trial",
        roles=_CENTRE,
        why=Text("only what names a person by mistake (practice A.10)", "誤って書かれた個人情報に限る（practice A.10）"),
    ),
    Act(
        id="grant_role",
        title=Text("Granting a role", "権限の付与"),
        kind="do",
        scope="trial",
        roles=_ADMINISTRATOR,
        withheld=_EVERYONE - _ADMINISTRATOR,
        why=Text("who gives rights holds no others (practice C.3)", "権限を与える者は他の権限を持たない（practice C.3）"),
    ),
    Act(
        id="revoke_role",
        title=Text("Revoking a role", "権限の取消"),
        kind="do",
        scope="trial",
        roles=_ADMINISTRATOR,
        withheld=_EVERYONE - _ADMINISTRATOR,
        why=Text("who gives rights holds no others (practice C.3)", "権限を与える者は他の権限を持たない（practice C.3）"),
    ),
)

#: Every act by its id.
ACTS: Mapping[str, Act] = {act.id: act for act in (*_SEE, *_DO_AT_SITES, *_DO_IN_THE_TRIAL)}

#: Pairs of roles that one person may not hold together: what one of them may is withheld from the other.
APART = frozenset(
    pair for act in ACTS.values() for mine in act.roles for other in act.withheld for pair in ((mine, other), (other, mine))
)
