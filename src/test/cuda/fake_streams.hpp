// Streams of the fake driver. Work is put off until something waits for it, as late as CUDA allows:
// a result that is read, or a buffer that is used again, without waiting is then plainly wrong.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>

namespace fake {

struct Stream;

/// A place in a stream's order.
struct Mark {
  Stream* stream = nullptr;  ///< null when nothing was recorded, or all before it is done
};

struct Event {
  std::shared_ptr<Mark> mark;
  double milliseconds = 0.0;
};

struct Stream {
  std::deque<std::function<void()>> work;
};

class Streams {
 public:
  Stream* create();
  void destroy(Stream* stream);
  bool has(Stream* stream) const;

  void add(Stream* stream, std::function<void()> work);
  void record(Event* event, Stream* stream);
  void await(Stream* stream, const Event* event);

  void finish(Stream* stream);
  void finish(const Event* event);
  void finishAll();

 private:
  void finish(const std::shared_ptr<Mark>& mark);

  std::set<Stream*> streams;
};

}  // namespace fake
