// Parses the parts of an OpenAPI document that the API reference shows.

type JsonObject = Record<string, unknown>

/** ApiField is a parameter or a field of a body. */
export interface ApiField {
  name: string
  /** path, query or header; empty for a field of a body. */
  location: string
  type: string
  required: boolean
  description: string
}

export interface CodeExample {
  label: string
  source: string
}

export interface Operation {
  id: string
  method: string
  path: string
  tag: string
  summary: string
  description: string
  parameters: ApiField[]
  body: ApiField[]
  /** Success response. The example is formatted JSON, or empty. */
  response: { type: string; description: string; fields: ApiField[]; example: string }
  samples: CodeExample[]
}

const httpMethods = ['get', 'post', 'put', 'patch', 'delete']

/** parseOperations returns the operations of a document in the order of its tags. */
export function parseOperations(document: JsonObject): Operation[] {
  const operations: Operation[] = []
  for (const [path, item] of Object.entries(document.paths as Record<string, JsonObject>))
    for (const method of httpMethods)
      if (item[method]) operations.push(parseOperation(document, method, path, item[method] as JsonObject))
  const tags = ((document.tags ?? []) as { name: string }[]).map(({ name }) => name)
  return operations.sort((a, b) => tags.indexOf(a.tag) - tags.indexOf(b.tag))
}

function parseOperation(document: JsonObject, method: string, path: string, source: JsonObject): Operation {
  const jsonContent = (node: unknown) =>
    ((resolveRef(document, node).content ?? {}) as Record<string, JsonObject>)['application/json']
  const jsonSchema = (node: unknown) => jsonContent(node)?.schema
  const success = Object.entries((source.responses ?? {}) as JsonObject).find(([status]) => status.startsWith('2'))
  return {
    id: String(source.operationId),
    method: method.toUpperCase(),
    path,
    tag: (source.tags as string[] | undefined)?.[0] ?? '',
    summary: String(source.summary ?? ''),
    description: String(source.description ?? ''),
    parameters: ((source.parameters ?? []) as unknown[]).map((parameterRef) => {
      const parameter = resolveRef(document, parameterRef)
      return {
        name: String(parameter.name),
        location: String(parameter.in),
        type: formatType(parameter.schema),
        required: parameter.required === true,
        description: String(parameter.description ?? ''),
      }
    }),
    body: schemaFields(document, jsonSchema(source.requestBody)),
    response: {
      type: success ? formatType(jsonSchema(success[1])) : '',
      description: success ? `${success[0]}: ${String(resolveRef(document, success[1]).description ?? '')}` : '',
      fields: success ? schemaFields(document, jsonSchema(success[1])) : [],
      example: success ? (JSON.stringify(jsonContent(success[1])?.example, null, 2) ?? '') : '',
    },
    samples: (source['x-codeSamples'] ?? []) as CodeExample[],
  }
}

/** resolveRef returns the node that a $ref points to, or the node itself if it is not a reference. */
function resolveRef(document: JsonObject, node: unknown): JsonObject {
  const object = (node ?? {}) as JsonObject
  if (typeof object.$ref !== 'string') return object
  const segments = object.$ref.replace(/^#\//, '').split('/')
  return segments.reduce<JsonObject>((current, segment) => (current[segment] ?? {}) as JsonObject, document)
}

/** schemaFields returns the fields of an object, of the first variant of a oneOf, or of the items of an array. */
function schemaFields(document: JsonObject, schema: unknown): ApiField[] {
  const resolved = resolveRef(document, schema)
  const variant = (resolved.oneOf as unknown[] | undefined)?.[0] ?? resolved.items
  if (variant) return schemaFields(document, variant)
  const required = (resolved.required ?? []) as string[]
  return Object.entries((resolved.properties ?? {}) as Record<string, JsonObject>).map(([name, property]) => ({
    name,
    location: '',
    type: formatType(property),
    required: required.includes(name),
    description: String(property.description ?? ''),
  }))
}

/** formatType formats a type briefly: "string or null", "Site[]". */
export function formatType(schema: unknown): string {
  const {
    $ref,
    type,
    format,
    items,
    enum: values,
  } = (schema ?? {}) as { $ref?: string; type?: string | string[]; format?: string; items?: unknown; enum?: unknown[] }
  if ($ref) return $ref.split('/').at(-1) ?? ''
  if (values) return values.join(', ')
  if (type === 'array') return `${formatType(items)}[]`
  return [type ?? []]
    .flat()
    .map((name) => (name === 'string' && format && format !== 'int64' ? format : name))
    .join(' or ')
}

/** matchesSearch reports whether an operation contains all words of a search query. */
export function matchesSearch({ id, method, path, tag, summary }: Operation, query: string): boolean {
  const text = `${id} ${method} ${path} ${tag} ${summary}`.toLowerCase()
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
