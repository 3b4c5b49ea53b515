// Saying something of alerts: a dialog for the note, then the API.
import { api, complain, el, toast } from "./core.js";

const WHAT = {
  learn: ["Learn", "Normal here: its cause is not raised again, in this store."],
  mute: ["Mute", "Hidden for a while; it is counted all the same."],
  close: ["Close", "Dealt with: open again when it goes on."],
  unlearn: ["Take back", "What was said does not hold any more."],
};
const FOR = [["8h", "8 hours"], ["1d", "a day"], ["7d", "a week"], ["30d", "30 days"], ["", "until taken back"]];

// `rows`: alerts with alert_id and case_id. Resolves to whether something was said.
export function say(action, rows) {
  if (!rows.length) return Promise.resolve(false);
  const [title, meaning] = WHAT[action];
  const note = el("input", { id: "note", maxlength: "2000", placeholder: "Why, for those who come after you", size: "44" });
  const duration = el("select", { id: "duration" }, ...FOR.map(([value, text]) => el("option", { value }, text)));
  const subject = rows.length === 1 ? rows[0].title : `${rows.length} alerts`;
  const error = el("p", { class: "error", role: "alert" });
  const go = el("button", { class: "main-button", value: "go" }, title);
  const form = el("form", { class: "stack", method: "dialog" },
    el("p", {}, subject), el("p", {}, el("small", {}, meaning)),
    action === "mute" ? el("div", { class: "field" }, el("label", { for: "duration" }, "For"), duration) : null,
    el("div", { class: "field" }, el("label", { for: "note" }, "Note"), note), error,
    el("div", { class: "bar" }, go, el("button", { value: "", class: "plain", formnovalidate: true }, "Cancel")));
  const dialog = el("dialog", { "aria-label": title }, el("h2", {}, title), form);
  document.body.append(dialog);
  dialog.showModal();
  note.focus();
  return new Promise((resolve) => {
    let said = false;
    dialog.addEventListener("close", () => { dialog.remove(); resolve(said); });
    form.addEventListener("submit", async (event) => {
      if (event.submitter?.value !== "go") return;
      event.preventDefault();
      go.disabled = true;
      try {
        const told = await record(action, rows, note.value.trim(), action === "mute" ? duration.value : "");
        said = told.done > 0;
        if (told.done) toast(`${WHAT[action][0]}: ${told.done === 1 ? subject : `${told.done} alerts`}`, "good");
        if (told.refused.length) toast(`${told.refused.length} not: ${told.refused[0]}`, "bad");
        dialog.close();
      } catch (failure) {
        go.disabled = false;
        if (failure.status >= 500 || failure.status === 401) complain(failure);
        error.textContent = failure.message;
      }
    });
  });
}

async function record(action, rows, note, duration) {
  return api("/api/v1/verdicts", { method: "POST", body: { action, note, duration, alerts: rows.map(({ alert_id, case_id }) => ({ alert_id, case_id })) } });
}
