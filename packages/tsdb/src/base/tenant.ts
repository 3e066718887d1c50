/**
 * A tenant is two 32-bit numbers. It is part of a series' identity in the log, the index and the ports:
 * series of different tenants never meet. Single-tenant use is tenant 0:0.
 */
export interface Tenant {
  readonly accountId: number;
  readonly projectId: number;
}

export const DEFAULT_TENANT: Tenant = { accountId: 0, projectId: 0 };

/** `accountId:projectId`, as VictoriaMetrics writes tenants. */
export function formatTenant(tenant: Tenant): string {
  return `${tenant.accountId}:${tenant.projectId}`;
}
