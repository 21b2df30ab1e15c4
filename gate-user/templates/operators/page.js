// The operators' page: asks the API once for the last hour, then shows what it is told. Whatever is
// shown may be anybody's words, so it enters the page as text and never as HTML.

import { draw } from "./plot.js";

const HOUR = 3_600_000;
// How long it is waited for gated before that is told, and before it is asked again.
const PATIENCE = 5000;
// How long a stream may be silent: something comes every other second, or gated hangs.
const SILENCE = 10_000;
const byId = (id) => document.getElementById(id);
let points = [];
let seconds = 5;
let may_write = false;
// Whether a finger or a mouse button is down: nothing may move away under it.
let held = false;

function cell(content, kind) {
  const made = document.createElement("td");
  if (kind) made.className = kind;
  made.append(content ?? "");
  return made;
}

function row(...cells) {
  const made = document.createElement("tr");
  made.append(...cells);
  return made;
}

function pair(name, value, kind) {
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  const made = row(head, cell(value, kind ?? "number"));
  made.dataset.name = name;
  return made;
}

// Shows `rows` in the table body `id`. A row that says what it said stays the row that it is: what is
// selected in it, pressed or focused stays so.
function fill(id, rows) {
  const body = byId(id);
  const columns = body.closest("table").querySelectorAll("thead th").length || 2;
  if (!rows.length) {
    const none = cell("none", "none");
    none.colSpan = columns;
    rows = [row(none)];
  }
  const focused = body.contains(document.activeElement) && document.activeElement;
  const shown = [...body.rows];
  rows.forEach((made, i) => {
    if (!shown[i]) body.append(made);
    else if (!shown[i].isEqualNode(made)) shown[i].replaceWith(made);
  });
  shown.slice(rows.length).forEach((gone) => gone.remove());
  if (!focused || body.contains(focused)) return;
  const label = focused.getAttribute("aria-label");
  [...body.querySelectorAll("button")]
    .find((made) => made.getAttribute("aria-label") === label)?.focus({ preventScroll: true });
}

function button(text, label, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", action);
  return made;
}

// What is read as one: it is not broken where there is room for it.
const whole = (content) => cell(content, "whole");

const number = (value) => Number(value).toLocaleString("en");
const sum = (counts) => Object.values(counts).reduce((all, one) => all + one, 0);

function time(text) {
  if (!text) return "";
  const made = document.createElement("time");
  made.dateTime = text;
  made.textContent = text.replace("T", " ").replace("Z", "");
  return made;
}

// What the API answers; an error is its sentence.
async function ask(path, body) {
  const asked = body && {
    method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" },
  };
  const answer = await fetch(path, asked);
  if (answer.status === 401) location.assign("login");
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error.message);
  return value;
}

// How full something is.
function fill_of(name, used, capacity) {
  const share = capacity ? Math.round((100 * used) / capacity) : 0;
  return pair(name, `${number(used)} of ${number(capacity)} (${share} %)`,
    share < 90 ? "number" : "number bad");
}

function show_state({ status, stats }) {
  const flood = status.flood;
  byId("state").textContent =
    `${stats.mode}, ${flood.in_flood ? `flood since ${flood.since}` : "calm"}`;
  byId("state").className = flood.in_flood || stats.mode !== "enforce" ? "bad" : "good";
  const warnings = status.warnings.map((warning) => {
    const item = document.createElement("li");
    item.textContent = warning;
    return item;
  });
  byId("warnings").hidden = !warnings.length;
  byId("warnings").replaceChildren(...warnings);
  fill("stats", [
    pair("passed", number(stats.passed)),
    pair("dropped", number(sum(stats.dropped))),
    ...Object.entries(stats.dropped).filter(([, count]) => count)
      .map(([reason, count]) => pair(`dropped: ${reason}`, number(count))),
    pair("at a limit", number(sum(stats.limited))),
    pair("allowed although listed", number(stats.allowed)),
    pair("would drop (monitor)", number(sum(stats.would_drop))),
  ]);
  const { kernel, room, plan, drift, index, connections } = status;
  const rows = [
    pair("flood", `${flood.in_flood ? flood.cause : "no"} (${flood.mode})`),
    pair("SYNs a second", `${number(flood.syns)} of ${number(flood.enter_syns)}`),
    pair("entries planned", number(sum(plan))),
    pair("drift", `${number(drift.missing)} missing, ${number(drift.extra)} extra`,
      drift.missing + drift.extra ? "number bad" : "number"),
  ];
  if (kernel && room) {
    rows.push(
      fill_of("blocked, IPv4", kernel.block_v4, room.block),
      fill_of("blocked, IPv6", kernel.block_v6, room.block),
      fill_of("allowed, IPv4", kernel.allow_v4, room.allow),
      fill_of("allowed, IPv6", kernel.allow_v6, room.allow));
  } else {
    rows.push(pair("kernel", "the gate is not on the wire", "number bad"));
  }
  if (index) rows.push(fill_of("index", index.used, index.capacity));
  if (connections) {
    rows.push(pair("connections open", number(connections.open)));
    if (room) rows.push(fill_of("sources connected", connections.sources, room.sources));
    rows.push(pair("reports lost", number(connections.lost_reports)));
  }
  fill("gate-state", rows);
}

function show_drops({ top, networks }) {
  fill("sources", top.sources.map((source) => row(
    cell(explainer(source.address, source.address)), cell(source.reason),
    cell(number(source.drops), "number"))));
  fill("networks", networks.map((network) => row(
    cell(network.network), cell(number(network.sources), "number"),
    cell(number(network.drops), "number"))));
}

function feed_state({ error, file, in_force }) {
  const force = in_force === "file" ? "" : `; in force: ${in_force.replace("_", " ")}`;
  return (error ?? file) + force;
}

function show_lists({ feeds, dnsbl }) {
  fill("feeds", feeds.feeds.map((feed) => row(
    cell(feed.name), cell(feed_state(feed), feed.file === "ok" ? "good" : "bad"),
    cell(number(feed.networks), "number"), cell(time(feed.loaded)))));
  fill("dnsbl", dnsbl.lists.map((list) => row(
    cell(list.name), cell(list.why ?? list.health.replace("_", " "),
      list.health === "in_service" ? "good" : "bad"),
    cell(`${number(list.listed)} of ${number(list.answered)}`, "number"),
    cell(number(list.failed), "number"))));
}

function show_latest({ latest }) {
  fill("latest", latest.entries.map((entry) => {
    const words = [entry.evidence, entry.comment].filter(Boolean).join("; ") || entry.origin;
    const ends = entry.ended ? `${entry.cause} by ${entry.ended_by}` : time(entry.expires) || "never";
    return row(whole(time(entry.since)),
      whole(explainer(entry.network.split("/")[0], entry.network)),
      whole(entry.allow ? "allowed" : entry.reason), cell(words), cell(entry.added_by),
      entry.ended ? cell(ends) : whole(ends));
  }));
}

function show_removals({ removals }) {
  if (!removals) {
    byId("decided").textContent = "Who asked is shown with a token: [[web.operators.token]] in the configuration.";
    return;
  }
  fill("removals", removals.removals.map((removal) => {
    const open = removal.decision === "queued";
    const decision = document.createElement("span");
    decision.append(removal.decision, removal.decided_by ? ` by ${removal.decided_by}` : "");
    if (open && may_write) {
      const about = `the request of ${removal.address}`;
      decision.replaceChildren(
        button("Grant", `Grant ${about}`, () => decide(removal, true)),
        button("Deny", `Deny ${about}`, () => decide(removal, false)));
    }
    const from = [removal.contact, removal.note, removal.asked_by].filter(Boolean).join("; ");
    const made = row(whole(time(removal.at)), whole(explainer(removal.address, removal.address)),
      cell(from), cell(removal.explanation.join("; ")), open ? whole(decision) : cell(decision));
    made.dataset.id = removal.id;
    return made;
  }));
}

async function decide({ id, address }, grant) {
  const told = byId("decided");
  try {
    const { decision } = await ask("v1/removals/decide", { id, grant });
    told.className = "good";
    told.textContent = `The request of ${address} is ${decision}.`;
  } catch (error) {
    told.className = "bad";
    told.textContent = error.message;
  }
}

// A button that tells how it came that `address` is listed.
function explainer(address, text) {
  const made = button(text, `Explain ${text}`, () => explain(address));
  made.className = "explainer";
  return made;
}

async function explain(address) {
  byId("explained").textContent = address;
  try {
    const told = await ask(`v1/explain?address=${encodeURIComponent(address)}`);
    const verdict = told.check.reason ? `${told.check.verdict}: ${told.check.reason}` : told.check.verdict;
    fill("explanation-rows", [
      pair("verdict", verdict, "words"),
      pair("score", `${told.score} (listed below ${told.minimum})`, "words"),
      ...told.components.map((part) => pair(part.part, part.detail, "words")),
      ...told.check.matches.map((match) => pair(match.network,
        [match.reason ?? match.kind, match.origin, match.comment, match.evidence]
          .filter(Boolean).join("; "), "words")),
      ...told.way_out.map((way) => pair(`way out of ${way.network}`, way.why, "words")),
    ]);
  } catch (error) {
    fill("explanation-rows", [pair("error", error.message, "words bad")]);
  }
  byId("explanation").showModal();
}

// Adds what is new. Where something is missing between, or the clock was set back, the last hour is
// asked for again: a line is not drawn over what nobody knows.
async function take(fresh) {
  if (!fresh.length) return;
  const last = points.at(-1)?.at;
  const since = (at) => (Date.parse(at) - Date.parse(last)) / 1000;
  if (last && (since(fresh[0].at) > 1.5 * seconds || since(fresh.at(-1).at) < 0)) {
    points = (await ask("v1/series")).points;
  } else {
    points.push(...fresh.filter((point) => !last || point.at > last));
  }
  points = points.slice(-HOUR / 1000 / seconds);
  draw(byId("plot"), byId("legend"), points, seconds);
}

function show_lost() {
  byId("state").textContent = "no connection to gated";
  byId("state").className = "bad";
}

function listen() {
  const events = new EventSource("live");
  let lost;
  let failing = false;
  const watch = (patience) => {
    clearTimeout(lost);
    lost = setTimeout(show_lost, patience);
  };
  watch(SILENCE);
  events.addEventListener("message", ({ data }) => {
    failing = false;
    watch(SILENCE);
    if (held) return;
    const now = JSON.parse(data);
    show_state(now);
    show_drops(now);
    show_lists(now);
    show_latest(now);
    show_removals(now);
    // What it could not ask for now, it asks for when there is more to add.
    take(now.points).catch(() => {});
  });
  events.addEventListener("error", () => {
    // A stream ends now and then, and the browser asks for the next one by itself.
    if (!failing) watch(PATIENCE);
    failing = true;
    // It gives up where the answer is no stream: the session may be over.
    if (events.readyState === EventSource.CLOSED) {
      clearTimeout(lost);
      show_lost();
      setTimeout(begin, PATIENCE);
    }
  });
}

async function begin() {
  try {
    const me = await ask("me");
    may_write = me.rights === "write";
    byId("who").textContent = `${me.name} (${me.rights})`;
    byId("logout").hidden = !me.session;
    const series = await ask("v1/series");
    seconds = Number.parseInt(series.every, 10);
    points = [];
    await take(series.points);
    listen();
  } catch (error) {
    byId("state").textContent = error.message;
    byId("state").className = "bad";
    setTimeout(begin, PATIENCE);
  }
}

addEventListener("pointerdown", () => { held = true; }, true);
// The click comes between: what it is for is still there.
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => setTimeout(() => { held = false; }), true);
}
addEventListener("resize", () => draw(byId("plot"), byId("legend"), points, seconds));
begin();
