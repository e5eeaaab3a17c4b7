import type { CallEvent, Party } from './model.js';

const PARTIES: readonly Party[] = ['trunk', 'callwake', 'apns', 'phone'];
const NAMES: Readonly<Record<Party, string>> = {
  trunk: 'CUCM trunk',
  callwake: 'callwake',
  apns: 'APNs',
  phone: 'phone',
};
const TIME = 90;
const COLUMN = 190;
const ROW = 34;
const TOP = 44;
const WIDTH = TIME + COLUMN * PARTIES.length;

export interface LadderProps {
  readonly events: readonly CallEvent[];
  /** The call has more than one device: each arrow says which. */
  readonly several: boolean;
  readonly chosen: number | undefined;
  readonly onChoose: (index: number) => void;
}

/** A ladder diagram: time runs down, a column per party; each event is a button. */
export function Ladder({ events, several, chosen, onChoose }: LadderProps) {
  const height = TOP + events.length * ROW + 20;
  return (
    <section class="scroll ladder" aria-label="Ladder of the call">
      <svg width={WIDTH} height={height} viewBox={`0 0 ${WIDTH} ${height}`}>
        <title>Ladder of the call</title>
        <defs>
          <marker
            id="head"
            viewBox="0 0 8 8"
            refX="8"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            orient="auto-start-reverse"
          >
            <path d="M0 0 L8 4 L0 8 z" class="head" />
          </marker>
        </defs>
        {PARTIES.map((party) => (
          <g key={party} class="party">
            <text x={column(party)} y={24} text-anchor="middle">
              {NAMES[party]}
            </text>
            <line x1={column(party)} y1={34} x2={column(party)} y2={height} />
          </g>
        ))}
        {events.map((event, index) => (
          <Row
            key={`${event.ms} ${index}`}
            event={event}
            y={TOP + index * ROW}
            several={several}
            chosen={index === chosen}
            onChoose={() => onChoose(index)}
          />
        ))}
      </svg>
    </section>
  );
}

interface RowProps {
  readonly event: CallEvent;
  readonly y: number;
  readonly several: boolean;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

function Row({ event, y, several, chosen, onChoose }: RowProps) {
  const { from, to, label, device } = event.arrow;
  const text = several && device !== undefined ? `${label} · ${device.slice(0, 8)}` : label;
  const words = to === undefined ? `${NAMES[from]}: ${text}` : `${NAMES[from]} to ${NAMES[to]}: ${text}`;
  const [start, end] = [column(from), column(to ?? from)];
  const room = to === undefined ? WIDTH - start - 12 : Math.abs(end - start) - 24;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button can't stand in an SVG
    <g
      class={`row ${chosen ? 'chosen' : ''} ${to === undefined ? 'note' : ''}`}
      role="button"
      tabindex={0}
      aria-pressed={chosen}
      aria-label={`${event.ms.toFixed(0)} ms, ${words}`}
      onClick={onChoose}
      onKeyDown={(key) => {
        if (key.key !== 'Enter' && key.key !== ' ') return;
        key.preventDefault();
        onChoose();
      }}
    >
      <rect x={0} y={y} width={WIDTH} height={ROW} />
      <text class="time" x={TIME - 12} y={y + 21} text-anchor="end">
        {event.ms.toFixed(1)}
      </text>
      {to === undefined ? (
        <text x={start + 10} y={y + 21}>
          {shortened(text, room)}
        </text>
      ) : (
        <>
          <text x={(start + end) / 2} y={y + 16} text-anchor="middle">
            {shortened(text, room)}
          </text>
          <line x1={start} y1={y + 24} x2={end} y2={y + 24} marker-end="url(#head)" />
        </>
      )}
    </g>
  );
}

function column(party: Party): number {
  return TIME + COLUMN * (PARTIES.indexOf(party) + 0.5);
}

/** At 13 px a character is about 7 px wide. */
function shortened(text: string, room: number): string {
  const most = Math.max(8, Math.floor(room / 7));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
