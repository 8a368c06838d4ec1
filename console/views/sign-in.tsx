import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { AdminApiError, messageOf } from '../data/admin-api.ts';
import { useConsole } from '../data/context.ts';
import picture from '../kulkul.svg';
import { Field } from '../parts/field.tsx';
import { Note } from '../parts/note.tsx';

/** Exchanges a token for a session. */
export function SignIn({ note }: { note: string }): JSX.Element {
  const { session, api } = useConsole();
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    if (token.trim() === '') return setProblem('Paste a token first.');
    setBusy(true);
    try {
      await session.signIn(api, token.trim());
    } catch (error) {
      const isWrong = error instanceof AdminApiError && error.status === 401;
      setProblem(isWrong ? 'The broker does not know this token.' : messageOf(error));
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form
        class="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div class="brand flush">
          <img src={picture} alt="" />
          <h1>Kulkul</h1>
        </div>
        {note !== '' && <Note tone="warn">{note}</Note>}
        <Field
          label="Token"
          hint={
            <>
              The value of <code>admin.token</code>, or one of <code>admin.tokens</code>, in the configuration of the
              broker.
            </>
          }
          problem={problem}
        >
          {(input) => (
            <input
              {...input}
              class="input mono"
              type="password"
              autocomplete="current-password"
              value={token}
              onInput={(event) => {
                setToken(event.currentTarget.value);
                setProblem('');
              }}
            />
          )}
        </Field>
        <button type="submit" class="button primary" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  );
}
