import { useInfiniteQuery } from '@tanstack/react-query'
import { ChevronDown } from 'lucide-react'
import { useId, useState } from 'react'
import { Button, ComboBox, Input, Label, ListBox, ListBoxItem, Popover, Text } from 'react-aria-components'
import { entities } from '~/api/queries'
import { Required } from '~/components/Field'
import { useSettled } from '~/lib/settled'

interface Props {
  id: string
  label: string
  description?: string
  /** The kind that is chosen from; any where it is left out. */
  kind?: string
  type?: string
  value: string
  onChange: (ref: string) => void
  required?: boolean
  disabled?: boolean
  errors: string[]
}

/** A choice among entities of the catalogue; a reference that is not there yet can be typed. */
export function EntityCombo({
  id,
  label,
  description,
  kind,
  type,
  value,
  onChange,
  required,
  disabled,
  errors,
}: Props) {
  const [text, setText] = useState(value)
  const settled = useSettled(text.trim(), 200)
  // What was chosen is shown with all others, not as a search for itself.
  const q = settled === value ? undefined : settled || undefined
  const query = useInfiniteQuery(entities({ kind, type, q, limit: 50 }))
  const found = query.data?.pages.flatMap((p) => p.items) ?? []
  const errorsId = useId()
  return (
    <ComboBox
      className="field"
      allowsCustomValue
      menuTrigger="focus"
      allowsEmptyCollection
      isRequired={required}
      isDisabled={disabled}
      isInvalid={errors.length > 0}
      validationBehavior="aria"
      inputValue={text}
      onInputChange={(next) => {
        setText(next)
        onChange(next.trim())
      }}
      items={found.map((e) => ({ id: e.ref, text: e.ref, title: e.title || e.name }))}
      defaultFilter={() => true}
    >
      <Label>
        {label}
        {required && <Required />}
      </Label>
      <div className="combo">
        <Input id={id} name={id} className="input" aria-errormessage={errors.length > 0 ? errorsId : undefined} />
        <Button className="button" aria-label={`Show what there is for ${label}`}>
          <ChevronDown aria-hidden="true" size={16} />
        </Button>
      </div>
      {description && (
        <Text slot="description" className="help">
          {description}
        </Text>
      )}
      {errors.length > 0 && (
        <span id={errorsId} role="alert" className="field-error">
          {errors.join(' ')}
        </span>
      )}
      <Popover className="options">
        <ListBox
          renderEmptyState={() => (
            <p className="muted hit">{query.isPending ? 'Loading…' : 'Nothing in the catalogue fits'}</p>
          )}
        >
          {(e: { id: string; text: string; title: string }) => (
            <ListBoxItem id={e.id} textValue={e.text} className="hit">
              <Text slot="label">{e.title}</Text>
              <Text slot="description" className="muted">
                {e.id}
              </Text>
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  )
}
