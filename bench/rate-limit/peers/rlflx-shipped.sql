-- The statement with which rate-limiter-flexible 11 makes its table.
create table if not exists "rlflx_shipped" (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
);
