/** Where the scripts are: beside the repository, in ../shared, or where NYANZA_SHARED says. */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const repository = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");

export const corporaFolder: string = join(process.env["NYANZA_SHARED"] ?? join(repository, "../shared"), "corpora");

export const scriptsFolder: string = join(corporaFolder, "promql");
