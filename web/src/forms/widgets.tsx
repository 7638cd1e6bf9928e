import {
  ariaDescribedByIds,
  type BaseInputTemplateProps,
  enumOptionsDeselectValue,
  enumOptionsIsSelected,
  enumOptionsSelectValue,
  getInputProps,
  optionId,
  type WidgetProps,
} from '@rjsf/utils'

/** The controls of forms from JSON Schema: the browser's own, which every device and every helping program knows. */

export function TextInput(props: BaseInputTemplateProps) {
  const {
    id,
    htmlName,
    value,
    readonly,
    disabled,
    required,
    autofocus,
    onChange,
    onChangeOverride,
    onBlur,
    onFocus,
    options,
    schema,
    type,
    rawErrors,
    placeholder,
  } = props
  return (
    <>
      <input
        {...getInputProps(schema, type, options)}
        id={id}
        name={htmlName || id}
        className="input"
        value={value ?? ''}
        readOnly={readonly}
        disabled={disabled}
        required={required}
        placeholder={placeholder}
        // biome-ignore lint/a11y/noAutofocus: the template asks for it, on its first field
        autoFocus={autofocus}
        autoComplete="off"
        list={schema.examples ? `${id}__examples` : undefined}
        aria-invalid={(rawErrors?.length ?? 0) > 0 || undefined}
        aria-describedby={ariaDescribedByIds(id)}
        onChange={onChangeOverride ?? ((e) => onChange(e.target.value === '' ? options.emptyValue : e.target.value))}
        onBlur={(e) => onBlur(id, e.target.value)}
        onFocus={(e) => onFocus(id, e.target.value)}
      />
      {Array.isArray(schema.examples) && (
        <datalist id={`${id}__examples`}>
          {schema.examples.map((e) => (
            <option key={String(e)} value={String(e)} />
          ))}
        </datalist>
      )}
    </>
  )
}

export function TextareaWidget({
  id,
  htmlName,
  value,
  readonly,
  disabled,
  required,
  onChange,
  options,
  rawErrors,
  placeholder,
}: WidgetProps) {
  return (
    <textarea
      id={id}
      name={htmlName || id}
      className="input"
      rows={Number(options.rows ?? 5)}
      value={value ?? ''}
      readOnly={readonly}
      disabled={disabled}
      required={required}
      placeholder={placeholder}
      aria-invalid={(rawErrors?.length ?? 0) > 0 || undefined}
      aria-describedby={ariaDescribedByIds(id)}
      onChange={(e) => onChange(e.target.value === '' ? options.emptyValue : e.target.value)}
    />
  )
}

/** A choice of one; values may be of any type, so options go by their places. */
export function SelectWidget({
  id,
  htmlName,
  value,
  disabled,
  readonly,
  required,
  multiple,
  onChange,
  options,
  rawErrors,
  placeholder,
}: WidgetProps) {
  const choices = options.enumOptions ?? []
  if (multiple) return <Checkboxes {...{ id, htmlName, value, disabled, readonly, onChange, options }} />
  const selected = choices.findIndex((c) => enumOptionsIsSelected(c.value, value))
  return (
    <select
      id={id}
      name={htmlName || id}
      className="input"
      value={selected < 0 ? '' : String(selected)}
      disabled={disabled || readonly}
      required={required}
      aria-invalid={(rawErrors?.length ?? 0) > 0 || undefined}
      aria-describedby={ariaDescribedByIds(id)}
      onChange={(e) => onChange(e.target.value === '' ? options.emptyValue : choices[Number(e.target.value)]?.value)}
    >
      {(selected < 0 || !required) && <option value="">{placeholder || 'Choose…'}</option>}
      {choices.map((c, i) => (
        <option key={String(c.value)} value={i} disabled={options.enumDisabled?.includes(c.value)}>
          {c.label}
        </option>
      ))}
    </select>
  )
}

type ChoiceProps = Pick<WidgetProps, 'id' | 'htmlName' | 'value' | 'disabled' | 'readonly' | 'onChange' | 'options'>

export function Checkboxes({ id, htmlName, value, disabled, readonly, onChange, options }: ChoiceProps) {
  const chosen: unknown[] = Array.isArray(value) ? value : []
  return (
    <div
      id={id}
      role="group"
      aria-labelledby={`${id}__label`}
      aria-describedby={ariaDescribedByIds(id)}
      className="stack tight"
    >
      {options.enumOptions?.map((o, i) => (
        <label key={String(o.value)} className="native-choice">
          <input
            type="checkbox"
            id={optionId(id, i)}
            name={htmlName || id}
            checked={enumOptionsIsSelected(o.value, chosen)}
            disabled={disabled || readonly}
            onChange={(e) =>
              onChange(
                (e.target.checked ? enumOptionsSelectValue : enumOptionsDeselectValue)(i, chosen, options.enumOptions),
              )
            }
          />
          {o.label}
        </label>
      ))}
    </div>
  )
}

export function RadioWidget({ id, htmlName, value, disabled, readonly, required, onChange, options }: WidgetProps) {
  return (
    <div
      id={id}
      role="radiogroup"
      aria-labelledby={`${id}__label`}
      aria-describedby={ariaDescribedByIds(id)}
      aria-required={required}
      className="stack tight"
    >
      {options.enumOptions?.map((o, i) => (
        <label key={String(o.value)} className="native-choice">
          <input
            type="radio"
            id={optionId(id, i)}
            name={htmlName || id}
            checked={enumOptionsIsSelected(o.value, value)}
            disabled={disabled || readonly}
            onChange={() => onChange(o.value)}
          />
          {o.label}
        </label>
      ))}
    </div>
  )
}

export function CheckboxWidget({ id, htmlName, value, disabled, readonly, label, onChange }: WidgetProps) {
  return (
    <label className="native-choice">
      <input
        type="checkbox"
        id={id}
        name={htmlName || id}
        checked={value === true}
        disabled={disabled || readonly}
        aria-describedby={ariaDescribedByIds(id)}
        onChange={(e) => onChange(e.target.checked)}
      />
      {label}
    </label>
  )
}
