/** Say something of a schema, and nothing of its instances. */
const ANNOTATIONS = [
  '$comment',
  '$defs',
  '$id',
  '$schema',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  'default',
  'definitions',
  'deprecated',
  'description',
  'discriminator',
  'example',
  'examples',
  'readOnly',
  'title',
  'writeOnly',
];

/** Enforced while the answer is made, by the grammar. */
const ENFORCED = [
  '$ref',
  'additionalProperties',
  'allOf',
  'anyOf',
  'const',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'items',
  'maxItems',
  'maxLength',
  'maximum',
  'minItems',
  'minLength',
  'minimum',
  'oneOf',
  'pattern',
  'prefixItems',
  'properties',
  'required',
  'type',
];

/** Checked when the answer is complete: it fails where the model did not happen to keep to them. */
const CHECKED = [
  'additionalItems',
  'contains',
  'dependencies',
  'dependentRequired',
  'dependentSchemas',
  'else',
  'if',
  'maxContains',
  'maxProperties',
  'minContains',
  'minProperties',
  'multipleOf',
  'not',
  'patternProperties',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
  'uniqueItems',
];

const annotations: ReadonlySet<string> = new Set(ANNOTATIONS);
const known: ReadonlySet<string> = new Set([...ANNOTATIONS, ...ENFORCED, ...CHECKED]);

/** Every keyword that is taken. */
export const KEYWORDS: readonly string[] = [...known];

/** Those by the type that they are about, for a schema that does not name its type. */
export const TYPE_KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  object: [
    'properties',
    'required',
    'additionalProperties',
    'patternProperties',
    'propertyNames',
    'minProperties',
    'maxProperties',
    'dependentRequired',
    'dependentSchemas',
  ],
  array: ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains'],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
};

export function isAnnotation(keyword: string): boolean {
  return annotations.has(keyword) || keyword.startsWith('x-');
}

export function isKnown(keyword: string): boolean {
  return known.has(keyword) || keyword.startsWith('x-');
}
