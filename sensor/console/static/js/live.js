// What is new, told by the server. Pages listen on the document: driftspan:alerts, driftspan:incidents, driftspan:health.
import { address, all, el, one, severity, toast } from "./core.js";

const KINDS = ["alerts", "incidents", "health"];
const MOST_TOLD = 3; // notices at once

export function follow(sign) {
  const say = (kind, text) => { sign.firstElementChild.className = `dot ${kind}`; sign.lastElementChild.textContent = text; };
  const source = new EventSource("/console/events");
  source.addEventListener("open", () => say("good", "live"));
  source.addEventListener("error", () => say("bad", source.readyState === EventSource.CLOSED ? "not live" : "connecting again"));
  source.addEventListener("over", () => { source.close(); location.reload(); }); // the session ended
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      const told = JSON.parse(event.data);
      document.dispatchEvent(new CustomEvent(`driftspan:${kind}`, { detail: told }));
      if (kind === "alerts") tell(told.rows ?? []);
      if (kind === "incidents") count("incidents", told.open);
    });
  }
  addEventListener("pagehide", () => source.close());
}

function tell(rows) {
  for (const row of rows.slice(0, MOST_TOLD)) {
    toast([severity(row.severity), " ", el("a", { href: `/alerts/${row.alert_id}?case=${encodeURIComponent(row.case_id)}` }, row.title),
      el("div", { class: "quiet" }, `${address(row.src_ip)} → ${address(row.dst_ip)}`)], row.severity);
  }
  if (rows.length > MOST_TOLD) toast(`and ${rows.length - MOST_TOLD} more alerts`);
}

function count(page, value) {
  const to = one(`.side a[data-page="${page}"]`);
  if (!to) return;
  all(".count", to).forEach((each) => each.remove());
  if (value) to.append(el("span", { class: "count" }, value));
}
