// What may stand at a place of a journey, and what a word means: read from the JSON Schema of the language.

function spread(schema, whole, seen = new Set()) {
  if (!schema || seen.has(schema)) return [];
  seen.add(schema);
  if (schema.$ref) {
    const named = whole.$defs[schema.$ref.split("/").at(-1)];
    return spread(named, whole, seen).map((one) => (schema.description ? { ...one, description: schema.description } : one));
  }
  const forms = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...forms.flatMap((one) => spread(one, whole, seen))];
}

function below(schemas, name, whole) {
  return schemas.flatMap((one) => {
    if (name === null) return spread(one.items, whole);
    const pattern = Object.entries(one.patternProperties ?? {}).find(([text]) => new RegExp(text).test(name));
    return spread(one.properties?.[name] ?? pattern?.[1], whole);
  });
}

// Every form that may stand at a path.
export function formsAt(path, whole) {
  return path.reduce((forms, name) => below(forms, name, whole), spread(whole, whole));
}

// The keys that may be written at a path, each with what it means.
export function keysAt(path, whole) {
  const found = new Map();
  for (const form of formsAt(path, whole)) {
    for (const [name, schema] of Object.entries(form.properties ?? {})) {
      const own = form.required?.includes(name) && form.required.length === 1 ? form.description : undefined;
      if (!found.has(name)) found.set(name, schema.description ?? own ?? spread(schema, whole).find((one) => one.description)?.description ?? "");
    }
  }
  return found;
}

// The values that may be written there, where they are few.
export function valuesAt(path, whole) {
  const found = formsAt(path, whole).flatMap((one) => one.enum ?? (one.const !== undefined ? [one.const] : one.type === "boolean" ? [true, false] : []));
  return [...new Set(found)].filter((one) => one !== null).map(String);
}
