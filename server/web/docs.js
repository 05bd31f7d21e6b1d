// Shows /openapi.json. Everything is put in as text, never as markup.
import { copy, make, prose } from "/web/page.js";

const nameOf = (schema) => (schema.$ref ?? "").split("/").pop();

function typeOf(schema) {
  if (schema.$ref) return nameOf(schema);
  if (schema.anyOf) return schema.anyOf.filter((one) => one.type !== "null").map(typeOf).join(" | ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${schema.items ? typeOf(schema.items) : "anything"}`;
  return schema.type ?? "anything";
}

// Of what is sent, null is as good as absent, and not worth a word.
const nullable = (schema, required) => required && schema.anyOf?.some((one) => one.type === "null");

function boundsOf(schema) {
  const one = schema.anyOf?.find((part) => part.type !== "null") ?? schema;
  const bounds = [];
  if (one.minimum !== undefined) bounds.push(`≥ ${one.minimum}`);
  if (one.maximum !== undefined) bounds.push(`≤ ${one.maximum}`);
  if (one.maxLength !== undefined) bounds.push(`${one.minLength ?? 0}–${one.maxLength} characters`);
  return bounds.join(", ");
}

function example(text) {
  const button = make("button", { class: "quiet", onclick: async () => {
    button.textContent = await copy(text) ? "Copied" : "Select it";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  } }, "Copy");
  return make("div", { class: "example" }, make("pre", { tabindex: 0 }, text), button);
}

// What to type: a call of this server with a key in $KEY, or without where only a session or nobody is asked for.
function curl(path, method, told) {
  const sent = told.requestBody?.content?.["application/json"]?.example;
  const parts = [`curl -X ${method.toUpperCase()} '${location.origin}${path}'`];
  if (told.security.some((one) => Object.keys(one).some((kind) => !/session|cookie/i.test(kind)))) parts.push('-H "Authorization: Bearer $KEY"');
  if (sent) parts.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(sent).replaceAll("'", "'\\''")}'`);
  return parts.join(" \\\n  ").replace("-X GET ", "");
}

function table(rows) {
  const head = make("tr", {}, ...["field", "type", "", ""].map((text) => make("th", {}, text)));
  return make("div", { class: "wide" }, make("table", { class: "stack" }, head, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))))));
}

function fields(schema, schemas) {
  const found = schemas[nameOf(schema)] ?? schema;
  const rows = Object.entries(found.properties ?? {}).map(([name, part]) => [
    make("code", {}, name),
    make("code", {}, typeOf(part)),
    found.required?.includes(name) ? "" : "optional",
    [boundsOf(part), part.description ?? "", nullable(part, found.required?.includes(name)) ? "may be null" : ""].filter(Boolean).join(" — "),
  ]);
  return rows.length ? table(rows) : "";
}

function body(title, content, schemas) {
  return Object.entries(content ?? {}).flatMap(([type, told]) => [
    make("p", { class: "dim" }, `${title} · ${type} · ${nameOf(told.schema) || typeOf(told.schema)}`),
    ...(type === "application/json" ? [fields(told.schema, schemas)] : []),
    example(typeof told.example === "string" ? told.example : JSON.stringify(told.example, null, 2)),
  ]);
}

function operation(path, method, told, schemas) {
  const inside = make("div");
  if (told.description) inside.append(make("p", {}, ...prose(told.description)));
  const access = told.security.map((one) => Object.entries(one).map(([kind, scopes]) => [kind, ...scopes].join(" ")).join());
  inside.append(make("p", { class: "dim" }, access.length ? `Needs: ${access.join(", or ")}` : "Open to everybody"));
  const parameters = told.parameters.map((one) => [
    make("code", {}, one.name),
    make("code", {}, typeOf(one.schema)),
    one.required ? one.in : `${one.in}, optional`,
    [boundsOf(one.schema), one.description ?? ""].filter(Boolean).join(" — "),
  ]);
  if (parameters.length) inside.append(table(parameters));
  inside.append(example(curl(path, method, told)), ...body("Send", told.requestBody?.content, schemas));
  const errors = [];
  for (const [status, answer] of Object.entries(told.responses)) {
    if (answer.$ref) errors.push(`${status} ${nameOf(answer)}`);
    else inside.append(...body(`Answer ${status}`, answer.content, schemas));
  }
  inside.append(make("p", { class: "dim" }, `Errors: ${errors.join(" · ")}`));
  const summary = make("summary", {}, make("span", { class: `method ${method}` }, method.toUpperCase()), make("code", {}, path),
    make("span", { class: "dim" }, ...prose(told.summary)));
  return make("details", { id: told.operationId, class: "operation", "data-name": told.summary.replaceAll("`", "") }, summary, inside);
}

async function show() {
  const main = document.getElementById("main");
  const told = await (await fetch("/openapi.json")).json();
  const groups = new Map();
  for (const [path, methods] of Object.entries(told.paths))
    for (const [method, one] of Object.entries(methods)) {
      const tag = one.tags[0];
      groups.set(tag, [...(groups.get(tag) ?? []), operation(path, method, one, told.components.schemas)]);
    }
  main.replaceChildren(...told.info.description.split("\n\n").map((text) => make("p", {}, ...prose(text))));
  main.append(make("nav", { class: "toc", "aria-label": "Operations" }, [...groups].map(([tag, operations]) => [
    make("h3", {}, tag), make("ul", {}, operations.map((one) => make("li", {}, make("a", { href: `#${one.id}` }, one.dataset.name))))])));
  for (const [tag, operations] of groups) main.append(make("h2", {}, tag), ...operations);
  main.append(make("h2", {}, "Errors"), table(Object.entries(told.components.responses).map(([code, answer]) => [
    make("code", {}, code), String(answer.content["application/json"].example.error.status), "", answer.description,
  ])));
  open();
}

function open() {
  const one = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (one?.tagName !== "DETAILS") return;
  one.open = true;
  one.scrollIntoView();
  one.querySelector("summary").focus({ preventScroll: true });
}

addEventListener("hashchange", open);
show().catch((error) => document.getElementById("main").replaceChildren(make("p", { class: "bad" }, String(error))));
