/** The package's door: what `@nyanza/tsdb` promises to its users. */
export { BugError, CorruptionError, InputError } from "./base/errors.ts";
export { compareLabels, Labels } from "./base/labels.ts";
export { DEFAULT_TENANT, formatTenant, type Tenant } from "./base/tenant.ts";
