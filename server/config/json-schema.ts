import * as z from 'zod';
import { appOption, appOptions, appsPath, type Setting, sectionOf, sections, settings } from './catalogue.ts';
import { flatAppNames } from './config-file.ts';
import { expectationWithUnit } from './read-value.ts';
import { settingMeta } from './setting.ts';
import { ineffectiveSettings } from './soketi-settings.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/** `docs/config.schema.json`: what editors complete and check a configuration file with. Says the same as the parser, but takes all that has a dot in its name. */
export function renderConfigSchema(): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of Kulkul',
    ...describeSection(''),
  };
  return `${JSON.stringify(schema, null, 1)}\n`;
}

function describeSection(path: string): JsonSchema {
  const section = sections.get(path);
  const nameOf = (inner: string): string => inner.slice(inner.lastIndexOf('.') + 1);
  const of = <T extends { readonly path: string }>(all: Iterable<T>): T[] =>
    [...all].filter((one) => one.path !== '' && sectionOf(one.path) === path);
  const properties = [
    ...(path === '' ? [['$schema', { type: 'string' }] as const] : []),
    ...of(settings.values()).map((one) => [nameOf(one.path), describeSetting(one)] as const),
    ...of(sections.values()).map((one) => [nameOf(one.path), describeSection(one.path)] as const),
    ...(path === '' ? [...flatAppNames].map(([name, option]) => [name, describeFlat(option)] as const) : []),
  ];
  const known = new Set<string>(properties.map(([name]) => name));
  const ineffective = [...ineffectiveSettings.keys()]
    .filter((one) => path === '' || one.startsWith(`${path}.`))
    .map((one) => one.slice(path === '' ? 0 : path.length + 1).split('.', 1)[0] ?? '')
    .filter((name) => !known.has(name));
  return {
    ...(section && { description: section.title }),
    type: 'object',
    properties: {
      ...Object.fromEntries(properties),
      ...Object.fromEntries(ineffective.map((name) => [name, { description: "Soketi's; without effect here." }])),
    },
    patternProperties: { '\\.': {} },
    additionalProperties: section?.isOpen ?? false,
  };
}

function describeFlat(option: string): JsonSchema {
  const setting = appOption(option);
  return setting ? describeSetting(setting) : {};
}

function describeSetting(setting: Setting): JsonSchema {
  const { meta, defaultValue, path } = setting;
  const takes = setting.kind === 'number' ? ` Takes ${expectationWithUnit(setting)}.` : '';
  const description = `${meta.description}${takes} Variable: ${setting.variable}.`;
  const forms = path === appsPath ? [{ type: 'array', items: describeApp() }, { type: 'object' }] : formsOf(setting);
  const isNullable = setting.isNullable || appOption(path) !== undefined;
  return {
    description,
    anyOf: [...forms, ...(isNullable ? [{ type: 'null' }] : [])],
    ...(defaultValue !== undefined && { default: defaultValue }),
  };
}

function describeApp(): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries([...appOptions].map(([name, setting]) => [name, describeSetting(setting)])),
    // Names as in Soketi's databases.
    patternProperties: { '^[A-Z]|_': {} },
    additionalProperties: false,
  };
}

/** What may be written: the value itself, or what is read as one. */
function formsOf({ kind, schema, meta }: Setting): JsonSchema[] {
  const own = fromZod(schema);
  switch (kind) {
    case 'flag':
      return [own, { enum: ['true', 'false', 'yes', 'no', 'on', 'off', '1', '0', 1, 0, ''] }];
    case 'number':
    case 'auto':
      return [own, { type: 'string', pattern: '^\\s*(-?[0-9].*)?$' }];
    case 'text':
      return [own, { type: 'number' }, { const: '' }];
    case 'choice':
      return [own, { const: '' }];
    case 'list':
    case 'switch':
      return [own, { type: 'string' }];
    case 'addresses':
      return [{ type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'object' }] } }, { type: 'string' }];
    case 'keys':
      return [{ type: 'array', items: { type: 'object' } }];
    case 'anything':
      return [{}];
    default:
      return meta.mayBeText ? [own, { type: 'string' }] : [own];
  }
}

/** As draft 7, which editors know. */
function fromZod(schema: z.ZodType): JsonSchema {
  const {
    $schema,
    default: _,
    ...described
  } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const meta = settingMeta.get(zodSchema as unknown as z.ZodType);
      if (meta) jsonSchema.description = meta.description;
    },
  });
  const { description, ...form } = described as Record<string, unknown>;
  return form;
}
