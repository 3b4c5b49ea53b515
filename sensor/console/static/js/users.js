import { api, complain, el, one, toast } from "./core.js";

const PATH = "/api/v1/users";
const table = one("#users"), mayChange = Boolean(table.dataset.mayChange);
const when = (seconds) => (seconds ? new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") : "never");
const of = (name) => `${PATH}/${encodeURIComponent(name)}`;

function once({ user, password }) {
  const box = one("#once");
  box.replaceChildren("Password of ", el("b", {}, user.name), " for the first login, shown this once: ", el("code", { id: "once-password" }, password));
  box.hidden = false;
}

const act = (call) => call().then(show).catch((error) => { complain(error); return show(); });

function row(user) {
  const role = el("select", { "aria-label": `Role of ${user.name}`, change: (event) => act(() => api(of(user.name), { method: "PATCH", body: { role: event.target.value } })) });
  role.append(one("#roles").content.cloneNode(true));
  role.value = user.role;
  const state = [user.disabled ? el("span", { class: "tag bad" }, "disabled") : el("span", { class: "tag good" }, "active"), user.must_change ? el("span", { class: "tag warn" }, "must change password") : null];
  const buttons = [
    el("button", { click: () => api(`${of(user.name)}/password`, { method: "POST" }).then((told) => { once(told); return show(); }).catch(complain) }, "New password"),
    user.second_factor ? el("button", { click: () => act(() => api(of(user.name), { method: "PATCH", body: { totp: false } })) }, "Reset factor") : null,
    el("button", { click: () => act(() => api(of(user.name), { method: "PATCH", body: { disabled: !user.disabled } })) }, user.disabled ? "Enable" : "Disable"),
    el("button", { class: "danger", click: () => sure(user.name) && act(() => api(of(user.name), { method: "DELETE" })) }, "Remove"),
  ];
  return el("tr", {}, el("td", {}, el("b", {}, user.name)), el("td", {}, mayChange ? role : user.role),
    el("td", {}, el("span", { class: `tag ${user.second_factor ? "good" : ""}` }, user.second_factor ? "on" : "off")), el("td", {}, user.origin),
    el("td", { class: "tight" }, when(user.last_login)), el("td", {}, el("span", { class: "tags" }, ...state)),
    el("td", { class: "tight" }, mayChange ? el("span", { class: "bar" }, ...buttons) : ""));
}

const sure = (name) => confirm(`Remove ${name}, with sessions and tokens?`);

async function show() {
  one("tbody", table).replaceChildren(...(await api(PATH)).map(row));
}

one("#add")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    once(await api(PATH, { method: "POST", body: { name: one("#new-name").value.trim(), role: one("#new-role").value } }));
    one("#add").reset();
    toast("added", "good");
    await show();
  } catch (error) { complain(error); }
});
show().catch(complain);
