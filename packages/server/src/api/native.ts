/**
 * VictoriaMetrics' native export format is nobody's promise, not even of its own releases to each other, so both of its
 * paths are refused, with the ways that work.
 */
import { InputError } from "@nyanza/tsdb";
import type { Handlers } from "../http/context.ts";

type NativeHandlers = Pick<Handlers, "exportNative" | "importNative">;

export function createNativeHandlers(): NativeHandlers {
  return {
    exportNative: () => {
      throw new InputError(
        "the native format of VictoriaMetrics is not written here: use /api/v1/export (JSON lines, which VictoriaMetrics " +
          "takes at /api/v1/import), /api/v1/export/csv, or, between Nyanza servers, /api/v1/export/blocks",
      );
    },
    importNative: () => {
      throw new InputError(
        "the native format of VictoriaMetrics is not read here: ask VictoriaMetrics for /api/v1/export and send that to " +
          "/api/v1/import; what /api/v1/export/blocks of a Nyanza server wrote goes to /api/v1/import/blocks",
      );
    },
  };
}
