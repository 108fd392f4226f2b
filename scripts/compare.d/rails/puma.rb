# Puma: two processes of one thread.
bind 'tcp://127.0.0.1:${port}'
workers ${workers}
threads 1, 1 # its binding to SQLite holds the interpreter while it waits for a lock, which another thread would have to release
persistent_timeout 600
environment 'production'
preload_app!
rackup '${folder}/config.ru'
directory '${folder}'
stdout_redirect '${folder}/error.log', '${folder}/error.log', true
before_fork { ActiveRecord::Base.connection_pool.disconnect! if defined?(ActiveRecord) }
