import type { ThemeProps } from '@rjsf/core/lib/withTheme.js'
import {
  type ArrayFieldItemTemplateProps,
  type ArrayFieldTemplateProps,
  type DescriptionFieldProps,
  descriptionId,
  errorId,
  type FieldErrorProps,
  type FieldHelpProps,
  type FieldTemplateProps,
  helpId,
  type IconButtonProps,
  type ObjectFieldTemplateProps,
  type TitleFieldProps,
} from '@rjsf/utils'
import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { Required } from '~/components/Field'
import { fields } from './fields'
import { Checkboxes, CheckboxWidget, RadioWidget, SelectWidget, TextareaWidget, TextInput } from './widgets'
import './forms.css'

/** How forms from JSON Schema look. */

function Field({
  id,
  label,
  children,
  errors,
  help,
  description,
  hidden,
  required,
  displayLabel,
  uiSchema,
  schema,
}: FieldTemplateProps) {
  if (hidden) return <div hidden>{children}</div>
  const group =
    ['radio', 'checkboxes'].includes(uiSchema?.['ui:widget'] as string) ||
    schema.type === 'object' ||
    schema.type === 'array'
  return (
    <div className="field">
      {displayLabel && label && schema.type !== 'boolean' && (
        <FieldLabel id={id} label={label} required={required} group={group} />
      )}
      {children}
      {displayLabel && description}
      {help}
      {errors}
    </div>
  )
}

/** What stands before a field; a group of controls has a caption, since a label belongs to one control. */
function FieldLabel({ id, label, required, group }: { id: string; label: string; required?: boolean; group: boolean }) {
  const content = (
    <>
      {label}
      {required && <Required />}
    </>
  )
  return group ? (
    <span className="label" id={`${id}__label`}>
      {content}
    </span>
  ) : (
    <label htmlFor={id}>{content}</label>
  )
}

function Description({ id, description }: DescriptionFieldProps) {
  if (!description) return null
  return (
    <span id={id} className="help">
      {description}
    </span>
  )
}

function Help({ fieldPathId, help }: FieldHelpProps) {
  if (!help) return null
  return (
    <span id={helpId(fieldPathId)} className="help">
      {help as ReactNode}
    </span>
  )
}

function FieldErrors({ fieldPathId, errors = [] }: FieldErrorProps) {
  if (errors.length === 0) return null
  return (
    <ul id={errorId(fieldPathId)} className="field-error" role="alert">
      {errors.map((e) => (
        <li key={String(e)}>{e}</li>
      ))}
    </ul>
  )
}

function ObjectFields({ title, description, properties, fieldPathId }: ObjectFieldTemplateProps) {
  const whole = fieldPathId.path.length === 0
  return (
    <fieldset
      className={whole ? 'form' : 'form inner'}
      aria-describedby={description ? descriptionId(fieldPathId) : undefined}
    >
      {!whole && title && <legend className="label">{title}</legend>}
      {!whole && description && (
        <p id={descriptionId(fieldPathId)} className="help">
          {description}
        </p>
      )}
      {properties.map((p) => p.content)}
    </fieldset>
  )
}

function ArrayFields({ items, canAdd, onAddClick, title, schema, disabled, readonly }: ArrayFieldTemplateProps) {
  return (
    <fieldset className="form inner">
      <legend className="label">{title}</legend>
      {schema.description && <p className="help">{schema.description}</p>}
      {items}
      {canAdd && (
        <div>
          <button type="button" className="button" disabled={disabled || readonly} onClick={() => onAddClick()}>
            <Plus aria-hidden="true" size={16} />
            Add{title ? ` to ${title}` : ''}
          </button>
        </div>
      )}
    </fieldset>
  )
}

function ArrayItem({ children, buttonsProps, index, hasToolbar }: ArrayFieldItemTemplateProps) {
  const { hasMoveUp, hasMoveDown, hasRemove, onMoveUpItem, onMoveDownItem, onRemoveItem } = buttonsProps
  return (
    <div className="array-item">
      <div>{children}</div>
      {hasToolbar && (
        <div className="row">
          {hasMoveUp && (
            <ItemButton
              label={`Move entry ${index + 1} up`}
              onClick={onMoveUpItem}
              icon={<ArrowUp aria-hidden="true" size={16} />}
            />
          )}
          {hasMoveDown && (
            <ItemButton
              label={`Move entry ${index + 1} down`}
              onClick={onMoveDownItem}
              icon={<ArrowDown aria-hidden="true" size={16} />}
            />
          )}
          {hasRemove && (
            <ItemButton
              label={`Remove entry ${index + 1}`}
              onClick={onRemoveItem}
              icon={<Trash2 aria-hidden="true" size={16} />}
            />
          )}
        </div>
      )}
    </div>
  )
}

function ItemButton({ label, icon, onClick }: { label: string; icon: ReactNode; onClick: IconButtonProps['onClick'] }) {
  return (
    <button type="button" className="button icon-button" aria-label={label} title={label} onClick={onClick}>
      {icon}
    </button>
  )
}

function Title({ id, title }: TitleFieldProps) {
  return (
    <span id={id} className="label">
      {title}
    </span>
  )
}

const Nothing = () => null

export const theme: ThemeProps = {
  fields,
  templates: {
    FieldTemplate: Field,
    DescriptionFieldTemplate: Description,
    FieldHelpTemplate: Help,
    FieldErrorTemplate: FieldErrors,
    ObjectFieldTemplate: ObjectFields,
    ArrayFieldTemplate: ArrayFields,
    ArrayFieldItemTemplate: ArrayItem,
    ErrorListTemplate: Nothing,
    TitleFieldTemplate: Title,
    BaseInputTemplate: TextInput,
  },
  widgets: { TextareaWidget, SelectWidget, CheckboxesWidget: Checkboxes, RadioWidget, CheckboxWidget },
}
