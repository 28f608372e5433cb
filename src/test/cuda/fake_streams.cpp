#include "fake_streams.hpp"

#include <chrono>

namespace fake {

namespace {

double now() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Stream* Streams::create() { return *streams.insert(new Stream()).first; }

void Streams::destroy(Stream* stream) {
  finish(stream);
  streams.erase(stream);
  delete stream;
}

bool Streams::has(Stream* stream) const { return streams.count(stream) != 0; }

void Streams::add(Stream* stream, std::function<void()> work) {
  stream->work.push_back(std::move(work));
}

void Streams::record(Event* event, Stream* stream) {
  auto mark = std::make_shared<Mark>();
  mark->stream = stream;
  event->mark = mark;
  add(stream, [event, mark] {
    mark->stream = nullptr;
    event->milliseconds = now();
  });
}

void Streams::await(Stream* stream, const Event* event) {
  if (event->mark != nullptr) {
    auto mark = event->mark;
    add(stream, [this, mark] { finish(mark); });
  }
}

void Streams::finish(Stream* stream) {
  while (!stream->work.empty()) {
    auto work = std::move(stream->work.front());
    stream->work.pop_front();
    work();
  }
}

void Streams::finish(const Event* event) {
  if (event->mark != nullptr) {
    finish(event->mark);
  }
}

void Streams::finish(const std::shared_ptr<Mark>& mark) {
  while (mark->stream != nullptr) {
    auto work = std::move(mark->stream->work.front());
    mark->stream->work.pop_front();
    work();
  }
}

void Streams::finishAll() {
  for (Stream* stream : streams) {
    finish(stream);
  }
}

}  // namespace fake
