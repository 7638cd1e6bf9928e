import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Form } from 'react-aria-components'
import { useSearchParams } from 'react-router'
import type { DeviceRequest } from '~/api/_schema.gen'
import { answer, api } from '~/api/client'
import { deviceRequest } from '~/api/queries'
import { useMe } from '~/app/me'
import { Button } from '~/components/Button'
import { Facts } from '~/components/Facts'
import { TextField } from '~/components/Field'
import { Grants } from '~/components/Grants'
import { Load } from '~/components/Load'
import { Notice } from '~/components/Notice'
import { Page, Section } from '~/components/Page'
import { ProblemNotice } from '~/components/Problem'
import { Moment, Time } from '~/components/Time'

/** Lets a command line in that shows a code (RFC 8628). */
export function Device() {
  const [params, setParams] = useSearchParams()
  const code = params.get('code') ?? ''
  return (
    <Page title="Sign a command line in" lead="For slipway login, which shows a code in the terminal.">
      {code === '' ? (
        <EnterCode onCode={(next) => setParams({ code: next })} />
      ) : (
        <Confirm key={code} code={code} another={() => setParams({})} />
      )}
    </Page>
  )
}

function EnterCode({ onCode }: { onCode: (code: string) => void }) {
  const [code, setCode] = useState('')
  return (
    <Section title="The code in your terminal">
      <Form
        className="form"
        onSubmit={(e) => {
          e.preventDefault()
          onCode(code.trim().toUpperCase())
        }}
      >
        <TextField
          label="Code"
          help="Eight letters, such as BDWP-HQKR."
          isRequired
          mono
          maxLength={20}
          value={code}
          onChange={setCode}
          autoComplete="off"
        />
        <div>
          <Button type="submit" emphasis="primary">
            Go on
          </Button>
        </div>
      </Form>
    </Section>
  )
}

function Confirm({ code, another }: { code: string; another: () => void }) {
  const query = useQuery(deviceRequest(code))
  const decide = useMutation({
    mutationFn: async (approve: boolean) => {
      await answer(() =>
        api.POST('/api/v1/device/requests/{code}/decision', { params: { path: { code } }, body: { approve } }),
      )
      return approve
    },
  })
  if (decide.isSuccess) return <Decided approved={decide.data} />
  return (
    <Section title="Is this you?">
      <Load query={query} what="what the command line asks for">
        {(request) => (
          <>
            <Asked request={request} code={code} />
            {decide.isError && <ProblemNotice doing="This was not done" error={decide.error} />}
            <div className="row">
              <Button emphasis="primary" isDisabled={decide.isPending} onPress={() => decide.mutate(true)}>
                Let it in
              </Button>
              <Button isDisabled={decide.isPending} onPress={() => decide.mutate(false)}>
                Refuse
              </Button>
            </div>
          </>
        )}
      </Load>
      {query.isError && (
        <div>
          <Button onPress={another}>Enter another code</Button>
        </div>
      )}
    </Section>
  )
}

function Asked({ request: r, code }: { request: DeviceRequest; code: string }) {
  const me = useMe()
  return (
    <>
      <Notice tone="warn" title="Only go on if you ran slipway login yourself, just now">
        <p>
          Whoever sent you this address or code would get in as you. The code in your terminal must be the one below.
        </p>
      </Notice>
      <Facts
        facts={[
          ['Code', <code key="code">{code}</code>],
          ['It calls itself', r.client],
          ['It asks from', <code key="from">{r.from}</code>],
          ['It will act as', me.username],
          [
            'It may then',
            r.scopes.length > 0 ? <Grants key="grants" grants={r.scopes} /> : 'do everything that you may',
          ],
          ['It asked', <Time key="asked" at={r.created} />],
          ['The code ends', <Moment key="ends" at={r.expires} />],
        ]}
      />
    </>
  )
}

function Decided({ approved }: { approved: boolean }) {
  return approved ? (
    <Notice tone="good" title="The command line is signed in" live>
      <p>Go back to your terminal. You can sign it out again under Settings, or by slipway logout.</p>
    </Notice>
  ) : (
    <Notice title="The command line was refused" live>
      <p>It got nothing. You can close this page.</p>
    </Notice>
  )
}
