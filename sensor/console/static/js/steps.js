// Steps of a runbook, checked off: who and when stands in the access log.
import { all, api, complain, moment, one } from "./core.js";

export function steps(from = document) {
  for (const list of all("[data-steps]", from)) {
    if (list.dataset.wired) continue;
    list.dataset.wired = "1";
    for (const box of all("[data-step]", list)) box.addEventListener("change", () => say(list, box));
  }
}

async function say(list, box) {
  box.disabled = true;
  try {
    const told = await api(list.dataset.steps + box.dataset.step, { method: "PUT", body: { done: box.checked } });
    const mine = told.find((each) => each.step === box.dataset.step);
    one("[data-said]", box.closest("li")).replaceChildren(`${mine.done ? "done" : "opened again"} by ${mine.analyst}, `, moment(mine.ts));
  } catch (error) {
    box.checked = !box.checked;
    complain(error);
  }
  box.disabled = false;
}
