/** Times as people read them, in the zone of the reader's clock. */

const pad = (part: number) => String(part).padStart(2, "0");

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `2026-01-02 03:04:05`, with milliseconds only if there are any. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  const fraction = date.getMilliseconds() === 0 ? "" : `.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return `${day} ${time}${fraction}`;
}

/** What `<input type="datetime-local" step="1">` wants. */
export function formatTimeInput(ms: number): string {
  return formatTime(Math.floor(ms / 1000) * 1000).replace(" ", "T");
}

/** Milliseconds, or null. Takes what the input gives, and a space for its T. */
export function parseTimeInput(text: string): number | null {
  const ms = Date.parse(text.trim().replace(" ", "T"));
  return Number.isNaN(ms) ? null : ms;
}

/** Labels for the ticks of a time axis: as much of the time as tells neighbours apart, the day where it changes. */
export function formatTimeTicks(ticksMs: readonly number[]): string[] {
  const gapMs = ticksMs.length > 1 ? (ticksMs[1] as number) - (ticksMs[0] as number) : 60_000;
  let shownDay = "";
  return ticksMs.map((ms, i) => {
    const date = new Date(ms);
    const day = `${MONTHS[date.getMonth()]} ${date.getDate()}`;
    if (gapMs >= 86_400_000) return day;
    const seconds = gapMs < 60_000 ? `:${pad(date.getSeconds())}` : "";
    const time = `${pad(date.getHours())}:${pad(date.getMinutes())}${seconds}`;
    const isNewDay = day !== shownDay;
    shownDay = day;
    return isNewDay && i > 0 ? `${time}\n${day}` : time;
  });
}

/** `UTC+01:00` of the reader's clock at that time. */
export function describeZone(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}
