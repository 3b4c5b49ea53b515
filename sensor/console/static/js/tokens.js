import { all, api, complain, el, one } from "./core.js";

const PATH = "/api/v1/tokens";
const when = (seconds, none = "never") => (seconds ? new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") : none);

function row(token) {
  const drop = () => confirm(`Remove the token for ${token.label}?`) && api(`${PATH}/${encodeURIComponent(token.id)}`, { method: "DELETE" }).then(show).catch(complain);
  return el("tr", {}, el("td", {}, el("b", {}, token.label)), el("td", {}, token.user), el("td", {}, el("span", { class: "tags" }, ...token.scopes.map((each) => el("span", { class: "tag" }, each)))),
    el("td", { class: "tight" }, when(token.made)), el("td", { class: "tight" }, when(token.expires, "removed")), el("td", { class: "tight" }, when(token.used)),
    el("td", { class: "tight" }, one("#add") ? el("button", { class: "danger", click: drop }, "Remove") : ""));
}

async function show() {
  const found = await api(PATH);
  one("#tokens tbody").replaceChildren(...found.map(row));
  one("#none").hidden = found.length > 0;
}

one("#add")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const scopes = all('[name="scope"]:checked').map((box) => box.value);
    const told = await api(PATH, { method: "POST", body: { label: one("#label").value.trim(), scopes, days: Number(one("#days").value) } });
    one("#once").replaceChildren("The token, shown this once: ", el("code", { id: "key" }, told.key));
    one("#once").hidden = false;
    one("#add").reset();
    await show();
  } catch (error) { complain(error); }
});
show().catch(complain);
