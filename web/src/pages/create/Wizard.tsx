// Not from the package's front door, which leads to a validator that makes programs at run time.
import type Form from '@rjsf/core/lib/components/Form.js'
import withTheme from '@rjsf/core/lib/withTheme.js'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useRef, useState } from 'react'
import { useParams } from 'react-router'
import type { Template } from '~/api/_schema.gen'
import { teamsOf } from '~/api/access'
import { template } from '~/api/queries'
import { useMe } from '~/app/me'
import { Button } from '~/components/Button'
import { Load } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { TeamField } from '~/components/TeamField'
import { type FormPage, formPage } from '~/forms/schema'
import { theme } from '~/forms/theme'
import { validator } from '~/forms/validator'
import { paths } from '~/lib/paths'
import { Review } from './Review'
import { startValues, type Values } from './wizard'
import './wizard.css'

const SchemaForm = withTheme(theme)

/** Fills in a template's form, page by page, then shows what would be made. */
export function WizardPage() {
  const { namespace = '', name = '' } = useParams()
  const query = useQuery(template(namespace, name))
  const t = query.data
  return (
    <Page title={t?.title || name} lead={t?.description} crumbs={[{ to: paths.create, text: 'Create' }]}>
      <Load query={query} what={`the template ${name}`} lines={6}>
        {(data) => <Usable template={data} />}
      </Load>
    </Page>
  )
}

function Usable({ template: t }: { template: Template }) {
  const teams = teamsOf(useMe(), 'developer')
  if (t.errors.length > 0) {
    return (
      <Notice tone="warn" title="This template cannot be used">
        <ul>
          {t.errors.map((e) => (
            <li key={`${e.path} ${e.message}`}>
              {e.message}
              {e.line ? `, line ${e.line}` : ''}
            </li>
          ))}
        </ul>
      </Notice>
    )
  }
  if (!teams.all && teams.names.length === 0) {
    return (
      <Notice title="You are a developer in no team">
        <p>Ask an administrator for the role developer in the team that the application is for.</p>
      </Notice>
    )
  }
  return <Wizard template={t} teams={teams} />
}

interface Props {
  template: Template
  teams: { all: boolean; names: string[] }
}

function Wizard({ template: t, teams }: Props) {
  const pages = useMemo(() => t.parameters.map(formPage), [t])
  const [team, setTeam] = useState(teams.names.length === 1 && !teams.all ? (teams.names[0] ?? '') : '')
  const [values, setValues] = useState<Values[]>([])
  const [step, setStep] = useState(team === '' ? -1 : 0)
  const heading = useRef<HTMLHeadingElement>(null)
  const go = (to: number) => {
    setStep(to)
    // The next page begins at its heading, for the eyes and for who listens.
    requestAnimationFrame(() => heading.current?.focus())
  }
  const valuesOf = (i: number) => values[i] ?? startValues(pages[i] as FormPage, team)
  const keep = (i: number, data: Values) =>
    setValues((before) => pages.map((p, n) => (n === i ? data : (before[n] ?? startValues(p, team)))))
  const askTeam = teams.all || teams.names.length > 1
  const titles = [...pages.map((p) => p.title), 'Review']
  const page = pages[step]
  return (
    <div className="wizard">
      <Progress
        titles={askTeam ? ['Team', ...titles] : titles}
        at={askTeam ? step + 1 : step}
        go={(to) => go(askTeam ? to - 1 : to)}
      />
      <Section title={titles[step] ?? 'Team'}>
        <h3 ref={heading} tabIndex={-1} className="hidden">
          Step {(askTeam ? step + 1 : step) + 1} of {titles.length + (askTeam ? 1 : 0)}: {titles[step] ?? 'Team'}
        </h3>
        {step === -1 && <TeamStep teams={teams} team={team} setTeam={setTeam} next={() => go(0)} />}
        {page && (
          <Step
            key={step}
            page={page}
            values={valuesOf(step)}
            keep={(data) => keep(step, data)}
            back={step > 0 || askTeam ? () => go(step - 1) : undefined}
            next={() => go(step + 1)}
          />
        )}
        {step === pages.length && (
          <Review
            template={t}
            team={team}
            pages={pages}
            values={pages.map((_, i) => valuesOf(i))}
            back={() => go(step - 1)}
          />
        )}
      </Section>
    </div>
  )
}

/** How far one is; steps that were done can be opened again. */
function Progress({ titles, at, go }: { titles: string[]; at: number; go: (to: number) => void }) {
  return (
    <nav aria-label="Steps">
      <ol className="wizard-steps">
        {titles.map((title, i) => (
          <li key={title} aria-current={i === at ? 'step' : undefined}>
            {i < at ? (
              <button type="button" className="link-button" onClick={() => go(i)}>
                {title}
              </button>
            ) : (
              <span>{title}</span>
            )}
          </li>
        ))}
      </ol>
    </nav>
  )
}

interface TeamStepProps {
  teams: { all: boolean; names: string[] }
  team: string
  setTeam: (team: string) => void
  next: () => void
}

function TeamStep({ teams, team, setTeam, next }: TeamStepProps) {
  const chosen = team || (teams.all ? '' : (teams.names[0] ?? ''))
  return (
    <form
      className="form"
      onSubmit={(e) => {
        e.preventDefault()
        setTeam(chosen)
        next()
      }}
    >
      <p>The team that the new thing belongs to. Its developers can change it, its approvers let it through gates.</p>
      <TeamField teams={teams} value={chosen} onChange={setTeam} />
      <div className="row">
        <Button type="submit" emphasis="primary">
          Next
        </Button>
      </div>
    </form>
  )
}

interface StepProps {
  page: FormPage
  values: Values
  keep: (values: Values) => void
  back?: () => void
  next: () => void
}

function Step({ page, values, keep, back, next }: StepProps) {
  const form = useRef<Form>(null)
  return (
    <>
      {page.description && <p>{page.description}</p>}
      <SchemaForm
        ref={form}
        schema={page.schema}
        uiSchema={page.uiSchema}
        formData={values}
        validator={validator}
        noHtml5Validate
        showErrorList={false}
        focusOnFirstError
        omitExtraData
        idPrefix="parameters"
        onChange={({ formData }) => keep(formData ?? {})}
        // The fields say what is wrong; without this the library says so in the browser's console, too.
        onError={() => {}}
        onSubmit={({ formData }) => {
          keep(formData ?? {})
          next()
        }}
      >
        <div className="row wizard-actions">
          {back && <Button onPress={back}>Back</Button>}
          <Button type="submit" emphasis="primary">
            Next
          </Button>
        </div>
      </SchemaForm>
    </>
  )
}
