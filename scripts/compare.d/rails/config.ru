# SPDX-License-Identifier: Apache-2.0
# The API that scripts/compare-api compares, on Rails (API mode, in one file).
require 'active_record/railtie'
require 'action_controller/railtie'

class NotesApp < Rails::Application
  config.load_defaults 6.1
  config.api_only = true
  config.eager_load = true
  config.cache_classes = true
  config.consider_all_requests_local = false
  config.secret_key_base = 'not-used'
  config.hosts.clear
  config.log_level = :info
  config.logger = ActiveSupport::Logger.new("#{ENV['FOLDER']}/access.log")
  config.action_dispatch.show_exceptions = true
  routes.append { resources :notes, only: %i[index create show update destroy] }
end

ENV['DATABASE_URL'] = "sqlite3:#{ENV['FOLDER']}/notes.db?pool=8&timeout=5000"

class Note < ActiveRecord::Base
  self.table_name = 'note'
  validates :title, length: { in: 1..100, message: 'must have 1 to 100 characters' }, allow_nil: false
  validates :done, inclusion: { in: [true, false], message: 'must be true or false' }
  attribute :text, :string, default: ''
  attribute :done, :boolean, default: false

  def as_json(*)
    { id: id, title: title, text: text, done: done }
  end
end

class NotesController < ActionController::API
  rescue_from(ActiveRecord::RecordNotFound) { render json: { error: 'no such note' }, status: :not_found }
  rescue_from(ActionDispatch::Http::Parameters::ParseError) { render json: { error: 'bad JSON' }, status: :bad_request }
  before_action(only: %i[show update destroy]) { @note = Note.find(params[:id]) }

  def index
    limit = Integer(params.fetch(:limit, '20'), 10)
    offset = Integer(params.fetch(:offset, '0'), 10)
    return bad_page unless limit.between?(1, 100) && offset.between?(0, 2**31 - 1)

    render json: { notes: Note.order(id: :desc).limit(limit).offset(offset), total: Note.count }
  rescue ArgumentError
    bad_page
  end

  def show
    render json: @note, location: "/notes/#{@note.id}"
  end

  def create
    save(Note.new, :created)
  end

  def update
    save(@note, :ok)
  end

  def destroy
    @note.destroy
    head :no_content
  end

  private

  def save(note, status)
    given = params.permit(:title, :text, :done)
    note.assign_attributes(title: given[:title], text: given.fetch(:text, ''), done: given.fetch(:done, false))
    return render(json: note, status: status, location: "/notes/#{note.id}") if note.save

    render json: { errors: note.errors.messages }, status: :unprocessable_entity
  end

  def bad_page
    render json: { error: 'limit or offset is out of bounds' }, status: :bad_request
  end
end

NotesApp.initialize!
connection = ActiveRecord::Base.connection
connection.execute('PRAGMA journal_mode = WAL')
unless connection.table_exists?(:note)
  connection.create_table(:note) do |t|
    t.string :title, null: false
    t.string :text, null: false
    t.boolean :done, null: false
  end
end
ActiveRecord::Base.connection_pool.disconnect!
ActiveRecord::ConnectionAdapters::SQLite3Adapter.set_callback(:checkout, :after) { execute('PRAGMA synchronous = NORMAL') }
run NotesApp
