import { useMedia } from './hooks.js';
import type { CallEvent, Party } from './model.js';

const NAMES: Readonly<Record<Party, string>> = {
  trunk: 'CUCM trunk',
  callwake: 'callwake',
  apns: 'APNs',
  edge: 'edge',
  phone: 'phone',
  node: 'other node',
};
/** Events that tell of the store. */
const STORE = /^(?:journal|devices)-/;
const ROW = 34;
const TOP = 44;

/** How wide things are, in pixels, and the columns. */
interface Measures {
  readonly time: number;
  readonly column: number;
  /** A character, about. */
  readonly character: number;
  readonly parties: readonly Party[];
}

/** So that all columns are seen beside the chosen event. */
const WIDE = { time: 90, columns: 690, character: 7 };
/** So that all columns are seen on a phone. */
const NARROW = { time: 54, columns: 276, character: 6 };
const NARROW_SCREEN = '(max-width: 760px)';

/** How it is drawn: the columns share what there is. */
function measuresOf(parties: readonly Party[], narrow: boolean): Measures {
  const { time, columns, character } = narrow ? NARROW : WIDE;
  return { time, column: Math.floor(columns / parties.length), character, parties };
}

const widthOf = ({ time, column, parties }: Measures): number => time + column * parties.length;

const columnOf = (party: Party, { time, column, parties }: Measures): number =>
  time + column * (parties.indexOf(party) + 0.5);

export interface LadderProps {
  readonly parties: readonly Party[];
  readonly events: readonly CallEvent[];
  /** The call has more than one device: each arrow says which. */
  readonly several: boolean;
  readonly chosen: number | undefined;
  readonly onChoose: (index: number) => void;
}

/** A ladder diagram: time runs down, a column per party; each event is a button. */
export function Ladder({ parties, events, several, chosen, onChoose }: LadderProps) {
  const narrow = useMedia(NARROW_SCREEN);
  const measures = measuresOf(parties, narrow);
  const width = widthOf(measures);
  const height = TOP + events.length * ROW + 20;
  return (
    <section class={`scroll ladder ${narrow ? 'narrow' : ''}`} aria-label="Ladder of the call">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
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
        {parties.map((party) => (
          <g key={party} class="party">
            <text x={columnOf(party, measures)} y={24} text-anchor="middle">
              {narrow && party === 'trunk' ? 'trunk' : NAMES[party]}
            </text>
            <line x1={columnOf(party, measures)} y1={34} x2={columnOf(party, measures)} y2={height} />
          </g>
        ))}
        {events.map((event, index) => (
          <Row
            key={`${event.ms} ${index}`}
            event={event}
            y={TOP + index * ROW}
            several={several}
            measures={measures}
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
  readonly measures: Measures;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

function Row({ event, y, several, measures, chosen, onChoose }: RowProps) {
  const { from, to, label, device } = event.arrow;
  const text = several && device !== undefined ? `${label} · ${device.slice(0, 8)}` : label;
  const width = widthOf(measures);
  const [start, end] = [columnOf(from, measures), columnOf(to ?? from, measures)];
  const middle = (start + end) / 2;
  // Nothing else stands in the row: a label may be longer than its arrow.
  const room = to === undefined ? width - start - 12 : 2 * Math.min(middle - measures.time, width - middle) - 8;
  const shown = shortened(text, Math.floor(room / measures.character));
  const way = to === undefined ? `within ${NAMES[from]}` : `${NAMES[from]} to ${NAMES[to]}`;
  // What is seen comes first, so that who speaks to a computer can name it (WCAG 2.5.3).
  const words = `${event.ms.toFixed(1)} ${shown}, ${way}${shown === text ? '' : `: ${text}`}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button can't stand in an SVG
    <g
      class={`row ${chosen ? 'chosen' : ''} ${to === undefined ? 'note' : ''} ${STORE.test(event.type) ? 'store' : ''}`}
      role="button"
      tabindex={0}
      aria-pressed={chosen}
      aria-label={words}
      onClick={onChoose}
      onKeyDown={(key) => {
        if (key.key !== 'Enter' && key.key !== ' ') return;
        key.preventDefault();
        onChoose();
      }}
    >
      <rect x={0} y={y} width={width} height={ROW} />
      <text class="time" x={measures.time - 12} y={y + 21} text-anchor="end">
        {event.ms.toFixed(1)}
      </text>{' '}
      {to === undefined ? (
        <text x={start + 10} y={y + 21}>
          {shown}
        </text>
      ) : (
        <>
          <text x={middle} y={y + 16} text-anchor="middle">
            {shown}
          </text>
          <line x1={start} y1={y + 24} x2={end} y2={y + 24} marker-end="url(#head)" />
        </>
      )}
    </g>
  );
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text;
}
