// Keeps what is typed, shows at once what follows from it, and saves keys. Every form works without this file.
"use strict";
(() => {
  const form = document.querySelector("form.entry");
  if (!form) return;
  const bar = form.querySelector(".draft-state");
  const words = bar.dataset;
  const shelf = `oligami-draft:${form.dataset.key}`;
  const all = (what, part = form) => [...part.querySelectorAll(what)];
  const control = (name) => form.querySelector(`[name="${CSS.escape(name)}"]`);
  // What shows who signs (a password, a passkey's answer) is no part of a draft, here or on the server.
  const isText = (name) => !/^(_|csrf|(password|credential)$)/.test(name) || /^_(why-|reason$|paper$)/.test(name);
  const print = () => JSON.stringify([...new FormData(form)].filter(([name]) => isText(name)));
  const send = (url, body, headers = {}, keepalive = false) => fetch(url, { method: "POST", body, keepalive, headers });
  let kept = print();
  let timer = 0;
  let due = Infinity;
  let busy = false;
  let stopped = false;

  const say = (sentence, ...choices) =>
    bar.replaceChildren(
      sentence,
      ...choices.map(([label, act]) => {
        const made = document.createElement("button");
        Object.assign(made, { type: "button", className: "quiet", textContent: label, onclick: act });
        return made;
      }),
    );

  // ---- drafts. Items that name a person never go into the browser's storage: a hospital's computer has many users.
  const store = (act) => {
    try {
      return act(window.localStorage);
    } catch {
      return null; // no storage, or a full one: the page itself still holds what was typed
    }
  };
  const drop = () => store((there) => there.removeItem(shelf));
  const shelve = (sent = false, sending = false) => {
    const own = Object.fromEntries([...new FormData(form)].filter(([name]) => isText(name) && !control(name)?.hasAttribute("data-identity")));
    const [command, edition] = [control("_command").value, control("_edition").value];
    store((there) => there.setItem(shelf, JSON.stringify({ command, edition, own, sent, sending: sending && window.location.href, at: Date.now() })));
  };
  // At the latest so soon: whoever types on without a pause is kept as well.
  const later = (wait) => {
    if (Date.now() + wait >= due) return;
    clearTimeout(timer);
    due = Date.now() + wait;
    timer = setTimeout(keep, wait);
  };
  const keep = async (leaving) => {
    clearTimeout(timer);
    due = Infinity;
    const now = print();
    if (stopped || now === kept) return;
    // One at a time: a second one would meet the edition that the first is about to replace, and take it for another window's.
    if (busy && leaving !== true) {
      later(100);
      return;
    }
    busy = true;
    try {
      await sent(now, leaving === true);
    } finally {
      busy = false;
    }
  };
  const sent = async (now, leaving) => {
    let answer = null;
    try {
      answer = await send(form.dataset.draft, new FormData(form), {}, leaving);
    } catch {
      // the network is dead
    }
    if (!answer || answer.redirected || ![200, 409, 410].includes(answer.status)) {
      shelve();
      say(answer && (answer.redirected || answer.status === 403) ? words.out : words.failed);
      later(5000);
      return;
    }
    const said = await answer.json();
    if (answer.ok) {
      kept = now;
      control("_edition").value = said.edition;
      control("_command").value = said.command;
      drop();
      say(words.said.replace("{time}", new Date().toLocaleTimeString()));
      return;
    }
    stopped = true;
    shelve(answer.status === 410);
    if (answer.status === 410) {
      say(words.sent);
      return;
    }
    const mine = () => {
      control("_edition").value = said.edition;
      stopped = false;
      keep();
    };
    const theirs = () => {
      drop();
      window.location.replace(window.location.href);
    };
    const differ = said.differ.map((each) => `${each.label}${each.theirs && `: ${each.theirs}`}`);
    say(`${words.theirs} ${differ.join(" / ")}`, [words.keep, mine], [words.reload, theirs]);
  };
  const put = (own) => {
    for (const name of Object.keys(own)) {
      const row = /^(.+)-\d+-/.exec(name);
      while (row && !control(name) && addRow(form.querySelector(`[data-list="${CSS.escape(row[1])}"]`)));
    }
    for (const each of all("input, select, textarea")) {
      if (!isText(each.name) || each.type === "hidden" || each.hasAttribute("data-identity")) continue;
      if (/radio|checkbox/.test(each.type)) each.checked = (own[each.name] ?? "") === each.value;
      else each.value = own[each.name] ?? "";
    }
    refresh();
    later(0);
  };
  const restore = () => {
    const found = store((there) => JSON.parse(there.getItem(shelf)));
    if (!found?.own) return;
    const same = found.command === control("_command").value;
    if (!same && !found.sent) drop(); // that form was sent
    else if (same && found.edition === control("_edition").value) {
      put(found.own);
      say(words.restored);
    } else {
      // It went on elsewhere: its author chooses.
      const forget = () => {
        drop();
        say("");
      };
      say(`${words.older} ${new Date(found.at).toLocaleString()}`, [words.use, () => put(found.own)], [words.drop, forget]);
    }
  };

  // ---- what follows from what is typed: items that are asked now, errors, advice. What is being typed is left alone.
  const state = (part) => all("input, select, textarea", part).map((each) => (/radio|checkbox/.test(each.type) ? each.checked : each.value)).join("\n");
  const hideUnsure = () => all("[data-unsure]").forEach((part) => (part.hidden = !part.contains(document.activeElement)));
  let asking = 0;
  const refresh = async () => {
    const mine = ++asking;
    const before = new Map(all("[data-field]").map((part) => [part.dataset.field, state(part)]));
    const answer = await send(window.location.href, new FormData(form), { "X-Fragment": "form" }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asking) return;
    const here = new Map(all("[data-field]").map((part) => [part.dataset.field, part]));
    const untouched = (part) => !part.contains(document.activeElement) && before.get(part.dataset.field) === state(part);
    let last = null;
    for (const part of all("[data-field]", page)) {
      const old = here.get(part.dataset.field);
      here.delete(part.dataset.field);
      const fresh = document.importNode(part, true);
      if (old && (!untouched(old) || old.querySelector("[data-list]"))) last = old;
      else {
        if (old) old.replaceWith(fresh);
        else if (last) last.after(fresh);
        else form.querySelector("#form-fields").append(fresh);
        last = fresh;
      }
    }
    for (const gone of here.values()) if (untouched(gone)) gone.remove();
    form.querySelector("#advice")?.replaceWith(document.importNode(page.querySelector("#advice"), true));
    hideUnsure();
  };

  // ---- rows and sums
  // A row's number goes on from the row above: L1, L2. It is a guess, and goes again if nothing else is typed.
  const guess = (row) => {
    const cell = (part) => part?.querySelector("td")?.querySelector("input[type=text]:not(.num, .date)");
    const [above, own] = [cell(row.previousElementSibling), cell(row)];
    const count = /^(\D*)(\d+)$/.exec(above?.value.trim().normalize("NFKC") ?? "");
    if (!count || !own || !isBlank(row)) return;
    own.value = count[1] + (Number(count[2]) + 1);
    own.dataset.guess = own.value;
  };
  const addRow = (list) => {
    const rows = list ? all("tbody tr", list) : [];
    if (!rows.length || !list.querySelector("[name=_add_row]")) return null;
    const number = rows.length + 1;
    const row = rows[rows.length - 1].cloneNode(true);
    row.dataset.row = number;
    row.querySelector("th").textContent = number;
    all(".error-text, .echo", row).forEach((each) => each.remove());
    for (const each of all("*", row)) {
      for (const name of ["id", "name", "for", "list"])
        if (each.hasAttribute(name)) each.setAttribute(name, each.getAttribute(name).replace(`-${rows.length}-`, `-${number}-`));
      if (each.hasAttribute("aria-label")) each.setAttribute("aria-label", each.getAttribute("aria-label").replace(/\d+$/, number));
      ["aria-invalid", "aria-describedby"].forEach((name) => each.removeAttribute(name));
      if (each.type === "checkbox") each.checked = false;
      else if (/INPUT|SELECT|TEXTAREA/.test(each.tagName)) each.value = "";
    }
    rows[rows.length - 1].after(row);
    guess(row);
    return row;
  };
  const fields = (part) => all("input:not([type=hidden]), select, textarea", part);
  const isBlank = (row) => fields(row).every((each) => (each.type === "checkbox" ? !each.checked : !each.value || each.value === each.dataset.guess));
  const unguess = (row) => isBlank(row) && fields(row).forEach((each) => each.dataset.guess && (each.value = ""));
  // As by Tab: what stands in a field is selected, so that typing takes its place and is not added to it.
  const arrive = (place) => {
    place.focus();
    place.select?.();
  };
  const goOn = (part) => {
    let next = part;
    do next = next?.nextElementSibling;
    while (next?.hidden);
    arrive(next?.querySelector("input:checked") ?? next?.querySelector("input, select, textarea") ?? form.querySelector(".toolbar button"));
  };
  const sum = (list) => {
    const number = (each) => Number(each.value.normalize("NFKC").replace(/[^\d.]/g, "")) || 0;
    const total = all("[data-adds-up]", list).reduce((so, each) => so + number(each), 0);
    list.querySelector("[data-sum-of]").textContent = Math.round(total * 1e6) / 1e6;
  };

  form.addEventListener("input", (event) => {
    later(1000);
    if (event.target.hasAttribute("data-adds-up")) sum(event.target.closest("[data-list]"));
  });
  form.addEventListener("change", () => {
    later(0); // a field that was left is kept at once
    refresh();
  });
  form.addEventListener("click", (event) => {
    const row = addRow(event.target.closest("[name=_add_row]")?.closest("[data-list]"));
    if (!row) return;
    event.preventDefault();
    (fields(row).find((each) => !each.value) ?? row.querySelector("input, select")).focus();
  });
  // In rows, Enter goes on to the next row, and from an empty one to the next question; it does not send the form.
  form.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr[data-row]");
    if (!row || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.type === "checkbox") return;
    if (event.target.tagName === "SELECT" && event.key.length === 1) {
      const wanted = event.target.querySelector(`[data-answer="${CSS.escape(event.key.toLowerCase())}"]`);
      if (!wanted) return;
      event.preventDefault();
      wanted.selected = true;
      for (const kind of ["input", "change"]) event.target.dispatchEvent(new Event(kind, { bubbles: true }));
    }
    if (event.key !== "Enter" || event.target.tagName === "TEXTAREA") return;
    event.preventDefault();
    const next = isBlank(row) ? null : (row.nextElementSibling ?? addRow(row.closest("[data-list]")));
    if (next) guess(next);
    if (next) arrive(fields(next).find((each) => !each.value) ?? next.querySelector("input, select"));
    else goOn(row.closest("[data-field]"));
  });
  form.addEventListener("focusout", (event) => {
    const row = event.target.closest("tr[data-row]");
    if (row && !row.contains(event.relatedTarget)) unguess(row);
  });
  // One key an answer: the letter beside it chooses it and goes on to the next question.
  form.addEventListener("keydown", (event) => {
    if (event.target.type !== "radio" || event.ctrlKey || event.metaKey || event.altKey) return;
    const group = event.target.closest("fieldset");
    const wanted = group.querySelector(`[data-answer="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!wanted) return;
    event.preventDefault();
    event.stopPropagation();
    wanted.checked = true;
    goOn(group.closest("[data-field]"));
    for (const kind of ["input", "change"]) wanted.dispatchEvent(new Event(kind, { bubbles: true }));
  });
  form.addEventListener("submit", () => {
    all("tr[data-row]").forEach(unguess);
    if (print() !== kept) shelve(false, true); // the network may be dead by now; the page that answers removes it (oligami.js)
    stopped = true;
  });
  window.addEventListener("pagehide", () => keep(true));
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  window.addEventListener("online", () => keep());
  hideUnsure();
  restore();
  // Whoever opens a form comes to type: the first question that has to be answered and is not.
  const first = [...all(".form-row"), ...all("[data-field]")].find((part) => {
    const asked = fields(part).filter((each) => !each.closest(".rows"));
    return part.querySelector(".badge") && asked.length && asked.every((each) => (each.type === "radio" ? !each.checked : !each.value));
  });
  if (document.activeElement === document.body && !window.location.hash) fields(first ?? form)[0]?.focus();
})();
