import type { Db } from './builders.ts';

/** What makes up the schema `public`, one line a thing: two databases with the same lines behave the same. */
export async function dumpSchema(db: Db): Promise<string[]> {
  const { rows } = await db.query(`
    with tables as (
      select c.*, c.oid::regclass::text as name from pg_catalog.pg_class c where c.relnamespace = 'public'::regnamespace
    )
    select format('relation %s kind %s rls %s options %s comment %s', name, relkind, relrowsecurity, reloptions,
      obj_description(oid, 'pg_class')) as line from tables where relkind <> 'i'
    union all
    select format('column %s.%s %s not null %s default %s identity %s comment %s', t.name, attname,
      format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attidentity,
      col_description(attrelid, attnum))
    from tables t join pg_catalog.pg_attribute a on attrelid = t.oid and attnum > 0 and not attisdropped
    left join pg_catalog.pg_attrdef d on adrelid = attrelid and adnum = attnum where relkind <> 'i'
    union all
    select format('index %s', pg_get_indexdef(oid)) from tables where relkind = 'i'
    union all
    select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_catalog.pg_constraint where connamespace = 'public'::regnamespace
    union all
    select format('view %s %s', name, pg_get_viewdef(oid)) from tables where relkind = 'v'
    union all
    select format('function %s comment %s', pg_get_functiondef(oid), obj_description(oid, 'pg_proc'))
    from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace
    union all
    select format('trigger %s', pg_get_triggerdef(g.oid))
    from pg_catalog.pg_trigger g join tables t on t.oid = tgrelid where not tgisinternal
    union all
    select format('policy %s on %s for %s to %s using %s check %s', polname, polrelid::regclass, polcmd,
      polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    from pg_catalog.pg_policy
    union all
    select format('grant %s on %s to %s', a.privilege_type, name, a.grantee::regrole)
    from tables, aclexplode(relacl) a
    union all
    select format('grant %s on %s to %s', a.privilege_type, p.oid::regprocedure, a.grantee::regrole)
    from pg_catalog.pg_proc p, aclexplode(proacl) a where pronamespace = 'public'::regnamespace
    order by 1`);
  return rows.map(({ line }) => line);
}
