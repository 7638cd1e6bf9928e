import { type ReactNode, useId } from 'react'
import {
  Checkbox as AriaCheckbox,
  type CheckboxProps as AriaCheckboxProps,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
  FieldError,
  Input,
  Label,
  Text,
  TextArea,
} from 'react-aria-components'

interface TextFieldProps extends Omit<AriaTextFieldProps, 'className' | 'style' | 'children'> {
  label: string
  help?: ReactNode
  /** Many lines: how many are shown at first. */
  rows?: number
  placeholder?: string
  mono?: boolean
  /** What is wrong with the value, found by others. */
  errors?: string[]
}

/** A field for text, with its label, its explanation, and what is wrong with it. */
export function TextField({ label, help, rows, placeholder, mono, errors, ...props }: TextFieldProps) {
  const look = mono ? 'input mono' : 'input'
  const judged = errors && { validationBehavior: 'aria' as const, isInvalid: errors.length > 0 }
  return (
    <AriaTextField {...props} {...judged} className="field">
      <Label>
        {label}
        {props.isRequired && <Required />}
      </Label>
      {rows ? (
        <TextArea rows={rows} className={look} placeholder={placeholder} />
      ) : (
        <Input className={look} placeholder={placeholder} />
      )}
      {help && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError className="field-error">{errors?.join(' ')}</FieldError>
    </AriaTextField>
  )
}

/** Marks a field that has to be filled in. */
export function Required() {
  return (
    <span className="required" aria-hidden="true">
      {' '}
      (required)
    </span>
  )
}

interface SelectFieldProps {
  label: string
  value: string
  onChange: (value: string) => void
  options: { value: string; text: string }[]
  help?: ReactNode
  name?: string
  isRequired?: boolean
}

/** A choice of one, by the browser's own control, which every device has a good form of. */
export function SelectField({ label, value, onChange, options, help, name, isRequired }: SelectFieldProps) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {isRequired && <Required />}
      </label>
      <select
        id={id}
        className="input"
        name={name}
        value={value}
        required={isRequired}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(e) => onChange(e.target.value)}
      >
        {options.map((o) => (
          <option key={o.value} value={o.value}>
            {o.text}
          </option>
        ))}
      </select>
      {help && (
        <span id={`${id}-help`} className="help">
          {help}
        </span>
      )}
    </div>
  )
}

/** A choice of yes or no. */
export function Checkbox({
  children,
  ...props
}: Omit<AriaCheckboxProps, 'className' | 'style' | 'children'> & { children: ReactNode }) {
  return (
    <AriaCheckbox {...props} className="checkbox">
      <span className="checkbox-box" aria-hidden="true" />
      <span>{children}</span>
    </AriaCheckbox>
  )
}
