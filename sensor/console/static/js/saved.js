// What a user saved under a name: filters of a page, queries.
import { api, complain, el, toast } from "./core.js";

// `list`: a select, `keep` and `forget`: buttons; `read()` gives what to save, `write(value)` shows what was saved.
export async function saved(kind, { list, keep, forget, read, write }) {
  const path = `/console/saved/${kind}`;
  let known = [];
  async function show(chosen = "") {
    known = await api(path);
    list.replaceChildren(list.firstElementChild, ...known.map(({ name }) => el("option", { value: name }, name)));
    list.value = chosen;
    forget.hidden = !chosen;
  }
  list.addEventListener("change", () => {
    const found = known.find(({ name }) => name === list.value);
    forget.hidden = !found;
    if (found) write(found.value);
  });
  keep.addEventListener("click", () => {
    const name = el("input", { maxlength: "80", required: true, value: list.value, "aria-label": "Name" });
    const form = el("form", { class: "stack", method: "dialog" }, el("div", { class: "field" }, el("label", {}, "Name"), name),
      el("div", { class: "bar" }, el("button", { class: "main-button", value: "go" }, "Save"), el("button", { value: "", class: "plain", formnovalidate: true }, "Cancel")));
    const dialog = el("dialog", { "aria-label": "Save" }, el("h2", {}, "Save under a name"), form);
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    form.addEventListener("submit", async (event) => {
      if (event.submitter?.value !== "go") return;
      event.preventDefault();
      try {
        await api(path, { method: "PUT", body: { name: name.value.trim(), value: read() } });
        await show(name.value.trim());
        toast("saved", "good");
        dialog.close();
      } catch (error) { complain(error); }
    });
    dialog.showModal();
    name.select();
  });
  forget.addEventListener("click", async () => {
    try { await api(`${path}?name=${encodeURIComponent(list.value)}`, { method: "DELETE" }); await show(); } catch (error) { complain(error); }
  });
  await show();
}
