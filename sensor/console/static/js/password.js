import { api, one } from "./core.js";

const error = one("#error");

one("#change").addEventListener("submit", async (event) => {
  event.preventDefault();
  error.textContent = "";
  if (one("#new").value !== one("#again").value) { error.textContent = "the two new passwords are not the same"; return; }
  try {
    await api("/api/v1/session/password", { method: "POST", body: { old: one("#old").value, new: one("#new").value } });
    location.assign("/");
  } catch (failure) {
    error.textContent = failure.message;
  }
});
