import { all, api, complain, el, one, toast } from "./core.js";

const BASE = "/api/v1/session";
const when = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");

async function show() {
  const [own, sessions] = await Promise.all([api(BASE), api(`${BASE}/all`)]);
  one("#factor").replaceChildren(el("span", { class: `tag ${own.second_factor ? "good" : "warn"}` }, own.second_factor ? "on" : "off"));
  one("#enrol").hidden = own.second_factor || !own.local;
  one("#unenrol").hidden = !own.second_factor;
  one("#to-password").hidden = !own.local;
  one("#sessions").replaceChildren(...sessions.map((each) => el("tr", {},
    el("td", { class: "tight" }, each.address, " ", each.this ? el("span", { class: "tag accent" }, "this one") : null),
    el("td", {}, each.agent), el("td", { class: "tight" }, when(each.begun)), el("td", { class: "tight" }, when(each.used)))));
}

let secret = "";
one("#enrol").addEventListener("click", async () => {
  try {
    const told = await api(`${BASE}/totp`, { method: "POST" });
    secret = told.secret;
    one("#secret").textContent = secret.replaceAll(/(.{4})/g, "$1 ").trim();
    const drawing = document.importNode(new DOMParser().parseFromString(told.svg, "text/html").querySelector("svg"), true);
    drawing.classList.add("qr");
    one("#qr").replaceChildren(drawing);
    one("#enrolment").showModal();
    one("#enrol-code").focus();
  } catch (error) { complain(error); }
});

function submit(form, error, dialog, act, done) {
  one(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    one(error).textContent = "";
    try {
      await act();
      one(dialog).close();
      one(form).reset();
      toast(done, "good");
      await show();
    } catch (failure) { one(error).textContent = failure.message; }
  });
}
submit("#enrol-form", "#enrol-error", "#enrolment", () => api(`${BASE}/totp`, { method: "PUT", body: { secret, code: one("#enrol-code").value.replaceAll(" ", ""), password: one("#enrol-password").value } }), "from now on the code is asked for at every login");
submit("#unenrol-form", "#unenrol-error", "#unenrolment", () => api(`${BASE}/totp/remove`, { method: "POST", body: { password: one("#unenrol-password").value } }), "there is no second factor any more");
one("#unenrol").addEventListener("click", () => one("#unenrolment").showModal());
one("#end-others").addEventListener("click", () => api(`${BASE}/others`, { method: "DELETE" }).then(() => { toast("all others ended", "good"); return show(); }).catch(complain));
all("[data-cancel]").forEach((button) => button.addEventListener("click", () => button.closest("dialog").close()));
show().catch(complain);
