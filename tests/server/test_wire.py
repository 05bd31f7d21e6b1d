"""The line between a worker and its child: whole messages, whoever talks at once, and an end when one side has gone."""

from __future__ import annotations

import socket
import threading

from server.wire import Line, News, Order, Stop, Warned


def test_several_threads_talk_to_somebody_slow_and_every_message_arrives_whole():
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    saying, hearing = Line(ours, News), Line(theirs, News)
    talkers = [
        threading.Thread(target=lambda name=name: [saying.say(Warned(name, name * 20_000)) for _ in range(20)])
        for name in "abc"
    ]
    for one in talkers:
        one.start()
    heard = []
    for message in hearing.hear():
        assert set(message.message) == {message.job_id}
        heard.append(message)
        if len(heard) == 60:
            break
    for one in talkers:
        one.join()


def test_a_message_over_which_the_other_side_was_killed_is_none():
    ours, theirs = socket.socketpair()
    ours.sendall(b'{"type":"warned","job_id":"c","message":"whole"}\n{"type":"warned","job_')
    ours.close()
    assert [message.message for message in Line(theirs, News).hear()] == ["whole"]


def test_a_line_that_is_closed_while_a_thread_hears_tells_the_other_side():
    ours, theirs = socket.socketpair()
    theirs.settimeout(30)
    line, other = Line(ours, News), Line(theirs, Order)
    hearing = threading.Thread(target=lambda: list(line.hear()), daemon=True)
    hearing.start()
    line.say(Stop("c1"))
    assert next(other.hear()) == Stop("c1")
    line.close()
    assert list(other.hear()) == []
    hearing.join()
