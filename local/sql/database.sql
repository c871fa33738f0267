-- What each Supabase database holds before the first migration.
create schema if not exists extensions authorization postgres;
create schema if not exists auth;
grant usage on schema public, extensions, auth to anon, authenticated, service_role, postgres;

create or replace function auth.uid() returns uuid language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true)::json ->> 'sub', '')::uuid
$$;
