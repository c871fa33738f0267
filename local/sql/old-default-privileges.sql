-- Projects made before 2026-05-30 gave every new object in `public` to the API roles, until 2026-10-30.
-- Both regimes exist in the field: without these lines a forgotten grant shows, with them a forgotten revoke.
alter default privileges for role postgres in schema public grant all on tables    to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;
