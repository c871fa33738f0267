create unlogged table public.rlflx_tuned (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
) with (fillfactor = 50);
create index on public.rlflx_tuned (expire);
