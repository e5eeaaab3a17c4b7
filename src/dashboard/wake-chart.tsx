import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Overview } from './model.js';

const LINES = [
  ['p50', '--line-1'],
  ['p95', '--line-2'],
  ['p99', '--line-3'],
] as const;

/** Wake latency over the last hour: a line for each percentile. */
export function WakeChart({ minutes }: { readonly minutes: Overview['minutes'] }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const data: uPlot.AlignedData = [
    minutes.map(({ at }) => at / 1000),
    ...LINES.map(([name]) => minutes.map((minute) => inSeconds(minute[name]))),
  ];
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const make = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(options(element.clientWidth), data, element);
    };
    make();
    const observer = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', make);
    return () => {
      scheme.removeEventListener('change', make);
      observer.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, []);
  useEffect(() => chart.current?.setData(data), [minutes]);
  const last = minutes.findLast(({ count }) => count > 0);
  const words =
    last?.p50 === undefined
      ? 'No phone was woken in the last hour.'
      : `Last minute with wakes: p50 ${last.p50} ms, p99 ${last.p99} ms.`;
  return <div class="chart" ref={place} role="img" aria-label={`Wake latency by minute. ${words}`} />;
}

const HEIGHT = 200;

function inSeconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1000;
}

function options(width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--border'), width: 1 },
    ticks: { stroke: colour('--border'), width: 1 },
  };
  return {
    width,
    height: HEIGHT,
    legend: { live: false },
    cursor: { y: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [axis, { ...axis, size: 62, values: (_, values) => values.map((value) => `${value} s`) }],
    series: [
      {},
      ...LINES.map(([label, name]) => ({
        label,
        stroke: colour(name),
        width: 2,
        spanGaps: true,
        points: { show: true, size: 4 },
      })),
    ],
  };
}
