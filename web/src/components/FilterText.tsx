import { useEffect, useRef, useState } from 'react'
import { useSettled } from '~/lib/settled'
import { TextField } from './Field'

interface Props {
  label: string
  value: string
  onChange: (value: string) => void
  placeholder?: string
}

/** A filter by text, which takes effect when one pauses. */
export function FilterText({ label, value, onChange, placeholder }: Props) {
  const [text, setText] = useState(value)
  const settled = useSettled(text.trim(), 250)
  const tell = useRef(onChange)
  tell.current = onChange
  useEffect(() => {
    tell.current(settled)
  }, [settled])
  return <TextField label={label} type="search" value={text} onChange={setText} placeholder={placeholder} />
}
