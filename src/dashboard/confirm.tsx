import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';

interface ConfirmProps {
  /** What the button says, here and in the question. */
  readonly name: string;
  /** What will happen. */
  readonly children: ComponentChildren;
  /** Does it; what it gives is told in words. */
  readonly action: () => Promise<string>;
}

/** A button for what can't be taken back: it asks first, and tells what came of it. */
export function Confirm({ name, children, action }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [told, setTold] = useState<{ readonly text: string; readonly bad: boolean } | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const go = async (): Promise<void> => {
    dialog.current?.close();
    setBusy(true);
    try {
      setTold({ text: await action(), bad: false });
    } catch (error) {
      setTold({ text: error instanceof Error ? error.message : String(error), bad: true });
    }
    setBusy(false);
  };
  return (
    <span class="confirm">
      <button type="button" disabled={busy} onClick={() => dialog.current?.showModal()}>
        {name}
      </button>
      <dialog ref={dialog} aria-label={`${name}?`}>
        <h2>{name}?</h2>
        <p>{children}</p>
        <p class="answers">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>{' '}
          <button type="button" class="danger" onClick={() => void go()}>
            {name}
          </button>
        </p>
      </dialog>
      {told === undefined ? null : (
        <span class={told.bad ? 'problem' : 'done'} role={told.bad ? 'alert' : 'status'}>
          {told.text}
        </span>
      )}
    </span>
  );
}
