import { SelectField, TextField } from './Field'

interface Props {
  /** The teams in which one may; `all` says that it is any. */
  teams: { all: boolean; names: string[] }
  value: string
  onChange: (team: string) => void
}

/** A team: a choice among one's own, or any name for who may act for all of them. */
export function TeamField({ teams, value, onChange }: Props) {
  if (teams.all) {
    return (
      <TextField
        label="Team"
        help="You may act for every team."
        isRequired
        value={value}
        onChange={onChange}
        pattern="[a-z0-9]([\-a-z0-9]*[a-z0-9])?"
        maxLength={63}
      />
    )
  }
  return (
    <SelectField
      label="Team"
      isRequired
      value={value}
      onChange={onChange}
      options={teams.names.map((t) => ({ value: t, text: t }))}
    />
  )
}
