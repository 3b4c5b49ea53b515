import { api, complain, el, later, moment, one, query } from "./core.js";

const SIZE = 100;
const form = one("#filters"), body = one("#log tbody"), more = one("#more");
let offset = 0;

function told(text) {
  let found = {};
  try { found = JSON.parse(text || "{}") ?? {}; } catch { return text; }
  return el("span", { class: "tags" }, ...Object.entries(found).map(([name, value]) => el("span", { class: "tag" }, `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)));
}

const row = (each) => el("tr", {}, el("td", { class: "tight" }, moment(each.ts)), el("td", {}, el("b", {}, each.who), ` ${each.role}`), el("td", { class: "tight" }, `${each.via} ${each.address}`),
  el("td", { class: "tight" }, el("code", {}, each.what)), el("td", {}, each.target), el("td", {}, told(each.before)), el("td", {}, told(each.after)));

async function load(from) {
  const found = await api(`/api/v1/access-log${query({ ...Object.fromEntries(new FormData(form)), limit: SIZE, offset: from })}`);
  if (!from) body.replaceChildren();
  body.append(...found.map(row));
  offset = from + found.length;
  more.hidden = found.length < SIZE;
  one("#none").hidden = offset > 0;
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", later(350, () => load(0).catch(complain)));
more.addEventListener("click", () => load(offset).catch(complain));
load(0).catch(complain);
