// The one place that compiles Asio's implementation.
#include <boost/asio/impl/src.hpp>
