// Reads an OpenAPI document, as far as the reference shows it.

type Json = Record<string, unknown>

/** A Field is a parameter, or a field of a body. */
export interface Field {
  name: string
  /** Where it stands: path, query, header; empty for a field of a body. */
  place: string
  type: string
  required: boolean
  text: string
}

export interface Sample {
  label: string
  source: string
}

export interface Operation {
  id: string
  method: string
  path: string
  tag: string
  summary: string
  text: string
  parameters: Field[]
  body: Field[]
  /** What a success has. */
  answer: { type: string; text: string; fields: Field[] }
  samples: Sample[]
}

const methods = ['get', 'post', 'put', 'patch', 'delete']

/** operations are all that a document has, in the order of its tags. */
export function operations(document: Json): Operation[] {
  const found: Operation[] = []
  for (const [path, item] of Object.entries(document.paths as Record<string, Json>))
    for (const method of methods) if (item[method]) found.push(operation(document, method, path, item[method] as Json))
  const tags = ((document.tags ?? []) as { name: string }[]).map(({ name }) => name)
  return found.sort((a, b) => tags.indexOf(a.tag) - tags.indexOf(b.tag))
}

function operation(document: Json, method: string, path: string, from: Json): Operation {
  const content = (at: unknown) => ((resolve(document, at).content ?? {}) as Record<string, Json>)['application/json']?.schema
  const success = Object.entries((from.responses ?? {}) as Json).find(([status]) => status.startsWith('2'))
  return {
    id: String(from.operationId),
    method: method.toUpperCase(),
    path,
    tag: (from.tags as string[] | undefined)?.[0] ?? '',
    summary: String(from.summary ?? ''),
    text: String(from.description ?? ''),
    parameters: ((from.parameters ?? []) as unknown[]).map((one) => {
      const parameter = resolve(document, one)
      return { name: String(parameter.name), place: String(parameter.in), type: typeName(parameter.schema), required: parameter.required === true, text: String(parameter.description ?? '') }
    }),
    body: fields(document, content(from.requestBody)),
    answer: {
      type: success ? typeName(content(success[1])) : '',
      text: success ? `${success[0]}: ${String(resolve(document, success[1]).description ?? '')}` : '',
      fields: success ? fields(document, content(success[1])) : [],
    },
    samples: (from['x-codeSamples'] ?? []) as Sample[],
  }
}

/** resolve follows a $ref of the document. */
function resolve(document: Json, at: unknown): Json {
  const given = (at ?? {}) as Json
  if (typeof given.$ref !== 'string') return given
  const steps = given.$ref.replace(/^#\//, '').split('/')
  return steps.reduce<Json>((found, step) => (found[step] ?? {}) as Json, document)
}

/** fields are those of an object; of one of several forms, the first; of a list, those of its rows. */
function fields(document: Json, schema: unknown): Field[] {
  const found = resolve(document, schema)
  const form = (found.oneOf as unknown[] | undefined)?.[0] ?? found.items
  if (form) return fields(document, form)
  const required = (found.required ?? []) as string[]
  return Object.entries((found.properties ?? {}) as Record<string, Json>).map(([name, property]) => ({
    name,
    place: '',
    type: typeName(property),
    required: required.includes(name),
    text: String(property.description ?? ''),
  }))
}

/** typeName says a type in short: "text or null", "Site[]". */
export function typeName(schema: unknown): string {
  const { $ref, type, format, items, enum: values } = (schema ?? {}) as { $ref?: string; type?: string | string[]; format?: string; items?: unknown; enum?: unknown[] }
  if ($ref) return $ref.split('/').at(-1) ?? ''
  if (values) return values.join(', ')
  if (type === 'array') return `${typeName(items)}[]`
  const known: Record<string, string> = { string: format && format !== 'int64' ? format : 'text', integer: 'whole number' }
  return [type ?? []].flat().map((name) => known[name] ?? name).join(' or ')
}

/** matches tells whether an operation has all words of what somebody looks for. */
export function matches({ id, method, path, tag, summary }: Operation, wanted: string): boolean {
  const text = `${id} ${method} ${path} ${tag} ${summary}`.toLowerCase()
  return wanted.toLowerCase().split(/\s+/).every((word) => text.includes(word))
}
