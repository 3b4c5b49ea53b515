import { one } from "./core.js";

const form = one("#login"), error = one("#error"), code = one("#code"), field = one("#code-field");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.textContent = "";
  const button = one("button", form);
  button.disabled = true;
  const given = { name: one("#name").value.trim(), password: one("#password").value, code: code.value.replaceAll(" ", "") };
  // fetch itself: the header that asks for the second factor is read here
  const answer = await fetch("/api/v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) }).catch(() => null);
  button.disabled = false;
  if (answer?.ok) {
    const told = await answer.json();
    location.assign(told.must === "password" ? "/password" : form.dataset.next);
  } else if (answer?.headers.get("X-Needs") === "code") {
    field.hidden = false;
    code.focus();
  } else {
    error.textContent = answer ? (await answer.json().catch(() => ({}))).detail ?? `the server answered ${answer.status}` : "the server does not answer";
    one(field.hidden ? "#password" : "#code").select();
  }
});
