// A person's account: API keys and the ledger of credits.
import { ask, at, attempt, call, copy, filled, make, many, show, when } from "/web/page.js";

const PER_PAGE = 15;
const REASONS = { grant: "Granted", debit: "A film", refund: "Given back" };

export async function showAccount({ signal }) {
  show("newkey", false);
  at("older").onclick = attempt(() => ledger(Number(at("older").dataset.next), signal));
  at("addkey").onsubmit = attempt(addKey);
  at("copykey").onclick = attempt(async () => {
    at("copied").textContent = await copy(at("wholekey").value) ? "Copied." : "Select it and press Ctrl+C.";
  });
  await Promise.all([keys(), ledger(1, signal)]);
}

async function keys() {
  const { data } = await call("GET", "/api-keys");
  const live = data.filter((key) => !key.revokedAt);
  at("keys").replaceChildren(...live.map(row));
  show("keytable", live.length > 0);
  show("nokeys", !live.length);
}

function row(key) {
  const revoke = attempt(async () => {
    if (!await ask(`Revoke “${key.name}”?`, "Programs that use it are refused from then on. This cannot be undone.", "Revoke it", { danger: true })) return;
    await call("DELETE", `/api-keys/${key.id}`);
    await keys();
  });
  return make("tr", {},
    make("td", {}, key.name), make("td", {}, make("code", {}, `${key.keyPrefix}…`)),
    make("td", { class: "dim" }, key.scopes.join(", ")), make("td", { class: "dim" }, when(key.createdAt)),
    make("td", {}, make("button", { class: "quiet", "aria-label": `Revoke “${key.name}”`, onclick: revoke }, "Revoke")));
}

async function addKey(form) {
  const scopes = [...form.querySelectorAll("[name=scope]:checked")].map((box) => box.value);
  if (!scopes.length) throw new Error("Choose what the key may do: at least one.");
  const made = await call("POST", "/api-keys", { name: filled(form).name, scopes });
  form.reset();
  at("wholekey").value = made.key;
  at("copied").textContent = "";
  show("newkey");
  at("wholekey").select();
  await keys();
}

async function ledger(page, signal) {
  const told = await call("GET", `/credits?page=${page}&limit=${PER_PAGE}`);
  if (signal.aborted) return;
  if (page === 1) at("ledger").replaceChildren();
  at("balance").textContent = many(told.balance, "credit");
  at("ledger").append(...told.data.map((entry) => make("tr", {},
    make("td", {}, when(entry.createdAt)),
    make("td", {}, entry.jobId ? make("a", { href: `#/job/${entry.jobId}` }, REASONS[entry.reason] ?? entry.reason) : REASONS[entry.reason] ?? entry.reason),
    make("td", { class: "number" }, `${entry.amount > 0 ? "+" : "−"}${Math.abs(entry.amount)}`))));
  at("older").dataset.next = page + 1;
  show("older", page < told.pagination.totalPages);
}
