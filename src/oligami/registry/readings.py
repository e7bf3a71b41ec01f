"""Readings (furigana) for the plain part of the public record: words that a reader may stumble over, and how they are read.

A help to reading only; a word that is not in the list stands as it is.
"""

import re
from collections.abc import Iterator
from typing import Final

_READINGS: Final = {
    "試験": "しけん", "参加者": "さんかしゃ", "参加": "さんか", "募集": "ぼしゅう", "一時": "いちじ", "対象": "たいしょう",
    "治療": "ちりょう", "標準治療": "ひょうじゅんちりょう", "療法": "りょうほう", "局所療法": "きょくしょりょうほう",
    "全身薬物療法": "ぜんしんやくぶつりょうほう", "無作為": "むさくい", "担当医": "たんとうい", "医師": "いし", "判断": "はんだん",
    "健康": "けんこう", "性別": "せいべつ", "登録": "とうろく", "登録日": "とうろくび", "一次登録": "いちじとうろく", "二次登録": "にじとうろく",
    "乳癌": "にゅうがん", "転移": "てんい", "転移性": "てんいせい", "転移巣": "てんいそう", "遠隔転移": "えんかくてんい", "脳転移": "のうてんい",
    "組織学的": "そしきがくてき", "浸潤性": "しんじゅんせい", "判明": "はんめい", "造影": "ぞうえい", "脳": "のう", "病期診断": "びょうきしんだん",
    "最大径": "さいだいけい", "以下": "いか", "以上": "いじょう", "以内": "いない", "以降": "いこう", "以前": "いぜん", "未満": "みまん",
    "無症候性": "むしょうこうせい", "文書同意": "ぶんしょどうい", "同意": "どうい", "活動性": "かつどうせい", "重複": "ちょうふく",
    "感染症": "かんせんしょう", "要": "よう", "体温": "たいおん", "妊娠": "にんしん", "可能性": "かのうせい", "分娩後": "ぶんべんご", "授乳": "じゅにゅう",
    "精神疾患": "せいしんしっかん", "精神症状": "せいしんしょうじょう", "困難": "こんなん", "免疫抑制薬": "めんえきよくせいやく",
    "全身": "ぜんしん", "継続投与": "けいぞくとうよ", "不安定狭心症": "ふあんていきょうしんしょう", "心筋梗塞": "しんきんこうそく",
    "不良": "ふりょう", "高血圧": "こうけつあつ", "糖尿病": "とうにょうびょう", "度": "ど", "心不全": "しんふぜん", "心筋症": "しんきんしょう",
    "不整脈": "ふせいみゃく", "心房細動": "しんぼうさいどう", "発作性上室頻拍": "ほっさせいじょうしつひんぱく", "除": "のぞ", "胸部": "きょうぶ",
    "間質性肺炎": "かんしつせいはいえん", "肺線維症": "はいせんいしょう", "肺気腫": "はいきしゅ", "抗原陰性": "こうげんいんせい",
    "予定": "よてい", "実施": "じっし", "増悪": "ぞうあく", "残存": "ざんそん", "新": "あら", "確": "たし", "施設": "しせつ", "必要": "ひつよう",
    "耳鳴": "みみな", "日誌": "にっし", "音声": "おんせい", "紙": "かみ", "成人": "せいじん", "群": "ぐん", "歳": "さい", "方": "かた",
}  # fmt: skip
# The longest word first, so that 遠隔転移 is not read as 遠隔 and 転移.
_WORD: Final = re.compile("|".join(sorted(map(re.escape, _READINGS), key=len, reverse=True)))


def with_readings(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text in runs, each with its reading; empty where a run needs none or its reading is not known."""
    place = 0
    for found in _WORD.finditer(text):
        if found.start() > place:
            yield text[place : found.start()], ""
        yield found.group(), _READINGS[found.group()]
        place = found.end()
    if place < len(text):
        yield text[place:], ""
