# Puma: two processes of 8 threads.
bind 'tcp://127.0.0.1:${port}'
workers ${workers}
threads 8, 8
persistent_timeout 600
environment 'production'
preload_app!
rackup '${folder}/config.ru'
directory '${folder}'
stdout_redirect '${folder}/error.log', '${folder}/error.log', true
before_fork { ActiveRecord::Base.connection_pool.disconnect! if defined?(ActiveRecord) }
