# gunicorn writes its access log line by line. The sync worker, its default, closes each connection; gthread keeps them.
bind = "127.0.0.1:${port}"
workers = ${workers}
worker_class = "${worker_class}"
threads = ${threads}
keepalive = 600
backlog = 1024
worker_tmp_dir = "/dev/shm"
chdir = "${folder}"
accesslog = "${folder}/access.log"
errorlog = "${folder}/error.log"
