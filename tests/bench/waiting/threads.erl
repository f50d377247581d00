%% The same as Threads.fble, in Erlang. A message is sent without waiting, so `switch` sends one back for each.
-module(threads).
-export([main/0]).

main() ->
    [Kind, Count] = init:get_plain_arguments(),
    run(Kind, list_to_integer(Count)),
    halt(0, [{flush, true}]).

run("switch", N) ->
    Me = self(),
    Other = spawn(fun() -> answer(Me) end),
    ask(Other, N div 2);
run("start", N) -> start(N);
run("park", N) ->
    All = park(N, []),
    wait("parked"),
    References = [monitor(process, Each) || Each <- All],
    lists:foreach(fun(Each) -> Each ! stop end, All),
    lists:foreach(fun(Reference) -> receive {'DOWN', Reference, _, _, _} -> ok end end, References),
    wait("ended").

ask(_, 0) -> ok;
ask(Other, N) ->
    Other ! N,
    receive _ -> ask(Other, N - 1) end.

answer(Other) ->
    receive N -> Other ! N, answer(Other) end.

start(0) -> ok;
start(N) ->
    Me = self(),
    spawn(fun() -> Me ! done end),
    receive done -> start(N - 1) end.

park(0, All) -> All;
park(N, All) -> park(N - 1, [spawn(fun() -> receive stop -> ok end end) | All]).

wait(Line) ->
    io:format("~s~n", [Line]),
    io:get_line("").
