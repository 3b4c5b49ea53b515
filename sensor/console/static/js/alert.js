// One alert whole: in the drawer beside the grid, or as a page of its own.
import { all, one, query } from "./core.js";
import { listen } from "./keys.js";
import { steps } from "./steps.js";
import { say } from "./verdicts.js";

export const ACTIONS = { l: "learn", m: "mute", c: "close", u: "unlearn" };

export function shown(from = document) {
  const article = one("[data-alert]", from);
  return article && { alert_id: article.dataset.alert, case_id: article.dataset.case, title: article.dataset.title, status: article.dataset.status };
}

export function wire(from, after) {
  const alert = shown(from);
  steps(from);
  for (const button of all("[data-alert] [data-verdict]", from)) {
    button.addEventListener("click", async () => { if (await say(button.dataset.verdict, [alert])) after(); });
  }
}

export const address = ({ alert_id, case_id }, before = "/console/alerts/") => `${before}${alert_id}${query({ case: case_id })}`;

if (!one("#drawer")) {
  const again = () => location.reload();
  wire(document, again);
  listen(Object.fromEntries(Object.entries(ACTIONS).map(([key, action]) => [key, async () => {
    const wanted = one(`[data-verdict="${action}"]`);
    if (wanted && (await say(action, [shown()]))) again();
  }])));
}
