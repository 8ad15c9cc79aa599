// What GET /v1/history said, and what it says is new.

// `old` with what the answer `fresh` has since then; null: the host's clock was set back, and all has to be asked again.
export function joined(old, fresh) {
  const most = fresh.span / fresh.step;
  const steps = old?.span === fresh.span ? Math.round((Date.parse(fresh.end) - Date.parse(old.end)) / 1000 / fresh.step) : most;
  if (steps < 0) return null;
  if (steps === 0) return old;
  if (steps >= most) return fresh;
  const join = (before = [], after) => before.concat(Array(Math.max(0, steps - after.length)).fill(null), after.slice(-steps)).slice(-most);
  return { ...fresh,
    series: Object.fromEntries(Object.entries(fresh.series).map(([name, values]) => [name, join(old.series[name], values)])),
    workers: fresh.workers.map(({ busy }, i) => ({ busy: join(old.workers[i]?.busy, busy) })) };
}
