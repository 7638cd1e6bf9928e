import { type FieldProps, getUiOptions, type RegistryFieldsType } from '@rjsf/utils'
import { useState } from 'react'
import { SelectField, TextField } from '~/components/Field'
import { EntityCombo } from './EntityCombo'
import type { KnownField } from './schema'

/** The fields that Backstage's scaffolder has besides those of JSON Schema, by their names in `ui:field`. */

interface Filter {
  kind?: unknown
  'spec.type'?: unknown
}

/** The first kind that a picker is to offer. A filter may be one or a list, and its values too. */
export function wantedOf(options: Record<string, unknown>, otherwise?: string): { kind?: string; type?: string } {
  const filters = options.catalogFilter
  const filter = (Array.isArray(filters) ? filters[0] : filters) as Filter | undefined
  const kinds = options.allowedKinds
  return {
    kind:
      first(filter?.kind) ??
      first(kinds) ??
      (typeof options.defaultKind === 'string' ? options.defaultKind : otherwise),
    type: first(filter?.['spec.type']),
  }
}

function first(value: unknown): string | undefined {
  const one: unknown = Array.isArray(value) ? value[0] : value
  return typeof one === 'string' ? one : undefined
}

const picker = (otherwise?: string) =>
  function EntityPicker(props: FieldProps) {
    const { formData, onChange, fieldPathId, schema, uiSchema, required, disabled, readonly, rawErrors } = props
    const options = getUiOptions(uiSchema)
    return (
      <EntityCombo
        {...wantedOf(options, otherwise)}
        id={fieldPathId.$id}
        label={labelOf(props)}
        description={options.help ? `${schema.description ?? ''} ${options.help}` : schema.description}
        value={typeof formData === 'string' ? formData : ''}
        onChange={(ref) => onChange(ref || undefined, fieldPathId.path)}
        required={required}
        disabled={disabled || readonly}
        errors={rawErrors ?? []}
      />
    )
  }

function labelOf({ schema, uiSchema, name }: FieldProps): string {
  return getUiOptions(uiSchema).title ?? schema.title ?? name
}

const textOnly = (type: 'text' | 'password') =>
  function TextOnly(props: FieldProps) {
    const { formData, onChange, fieldPathId, schema, required, disabled, rawErrors } = props
    return (
      <TextField
        id={fieldPathId.$id}
        name={fieldPathId.$id}
        label={labelOf(props)}
        help={schema.description}
        type={type}
        autoComplete="off"
        value={typeof formData === 'string' ? formData : ''}
        onChange={(text) => onChange(text === '' ? undefined : text, fieldPathId.path)}
        isRequired={required}
        isDisabled={disabled}
        errors={rawErrors}
      />
    )
  }

/** The parts of a repository's address as Backstage writes it: "host?owner=team&repo=name". */
export interface RepoUrl {
  host: string
  owner: string
  repo: string
}

export function parseRepoUrl(text: string): RepoUrl {
  const [host = '', query = ''] = text.split('?')
  const parts = new URLSearchParams(query)
  return { host, owner: parts.get('owner') ?? '', repo: parts.get('repo') ?? '' }
}

/** Writes what {@link parseRepoUrl} reads; nothing as long as a part is missing. */
export function formatRepoUrl({ host, owner, repo }: RepoUrl): string | undefined {
  if (!host || !owner || !repo) return undefined
  return `${host}?${new URLSearchParams({ owner, repo })}`
}

function RepoUrlPicker(props: FieldProps) {
  const { formData, onChange, fieldPathId, uiSchema, schema, rawErrors } = props
  const options = getUiOptions(uiSchema) as Record<string, unknown>
  const hosts = strings(options.allowedHosts)
  const owners = strings(options.allowedOwners)
  const [now, setNow] = useState<RepoUrl>(() =>
    typeof formData === 'string' ? parseRepoUrl(formData) : { host: hosts[0] ?? '', owner: owners[0] ?? '', repo: '' },
  )
  const set = (part: Partial<RepoUrl>) => {
    const next = { ...now, ...part }
    setNow(next)
    onChange(formatRepoUrl(next), fieldPathId.path)
  }
  return (
    <fieldset className="form inner" id={fieldPathId.$id}>
      <legend className="label">{labelOf(props)}</legend>
      {schema.description && <p className="help">{schema.description}</p>}
      <Part label="Host" choices={hosts} value={now.host} onChange={(host) => set({ host })} />
      <Part label="Owner" choices={owners} value={now.owner} onChange={(owner) => set({ owner })} />
      <Part
        label="Repository"
        choices={strings(options.allowedRepos)}
        value={now.repo}
        onChange={(repo) => set({ repo })}
      />
      {(rawErrors?.length ?? 0) > 0 && (
        <p role="alert" className="field-error">
          {rawErrors?.join(' ')}
        </p>
      )}
    </fieldset>
  )
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : []
}

interface PartProps {
  label: string
  choices: string[]
  value: string
  onChange: (value: string) => void
}

function Part({ label, choices, value, onChange }: PartProps) {
  if (choices.length > 0)
    return (
      <SelectField
        label={label}
        value={value}
        onChange={onChange}
        options={choices.map((c) => ({ value: c, text: c }))}
      />
    )
  return <TextField label={label} value={value} onChange={onChange} autoComplete="off" />
}

/** Fields by name. A template's other fields are asked for by their JSON Schema alone (schema.ts). */
export const fields: RegistryFieldsType = {
  EntityNamePicker: textOnly('text'),
  Secret: textOnly('password'),
  OwnerPicker: picker('Group'),
  MyGroupsPicker: picker('Group'),
  EntityPicker: picker(),
  OwnedEntityPicker: picker(),
  RepoUrlPicker,
} satisfies Record<KnownField, unknown> as RegistryFieldsType
